"""`python -m engine.evaluate_search --images DIR --labels FILE`: measure the quality of the search
on labelled photographs, before and after feedback.

The photographs are indexed in a temporary folder. Simulated voters vote on half of the names of
what the photographs show; the other half and paraphrases show what the votes improve. Random votes
are the control: they must not improve anything.
"""

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from uuid import UUID

from common.allocator import limit_allocator
from common.errors import AfterimageError
from common.observability.logs import configure
from common.services import Services
from engine.evaluation.gallery import fill, opened, private
from engine.evaluation.labelled_photographs import read_photographs
from engine.evaluation.measures import found_first, ndcg
from engine.evaluation.queries import Question, Questions, questions
from engine.evaluation.simulated_voters import Search, forget, vote
from engine.tasks import search as task

CHANCE = 0.5  # probability that a vote of the control is wrong: votes without information


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over all queries of a kind; `scored` is the mean over queries without votes."""

    found: float  # share of photographs among the first ten results for their class name
    voted: float  # nDCG@10, like the following ones
    others: float
    paraphrases: float
    scored: float


@dataclass(frozen=True, slots=True)
class Report:
    """Scores before any votes, after correct votes, and after as many random votes."""

    photographs: int
    votes: int
    before: Scores
    after: Scores
    control: Scores


def evaluate(
    services: Services, images: Path, labels: Path, voters: int, noise: float, seed: int
) -> Report:
    """Index the photographs with `services` and measure the search. Raises InputFault if there are
    no photographs.
    """
    gallery = fill(services, read_photographs(images, labels))
    search, asked = searching(services), questions(gallery, seed)
    before = score(search, asked)
    votes = vote(services.sessions, search, asked.voted, voters, noise, seed)
    after = score(search, asked)
    forget(services.sessions)
    vote(services.sessions, search, asked.voted, voters, CHANCE, seed)
    return Report(len(gallery), votes, before, after, score(search, asked))


def searching(services: Services) -> Search:
    """Return a function that searches as an anonymous caller."""
    work = task.open_worker_pool(services, threading.Event()).open_runner(None)

    def search(query: str) -> list[UUID]:
        params = {"query": query, "asked_by": None}
        [result] = work.run([work.prepare(b"", params)], [params])
        return [UUID(item["image_id"]) for item in result["items"]]

    return search


def score(search: Search, asked: Questions) -> Scores:
    """Return the scores of the search in its current state."""

    def ndcgs(questions: Sequence[Question]) -> list[float]:
        return [ndcg(search(each.query), each.right) for each in questions]

    found = [found_first(search(each.query), each.right) for each in asked.by_class]
    voted, others, paraphrases = map(ndcgs, (asked.voted, asked.others, asked.paraphrases))
    return Scores(*map(_mean, (found, voted, others, paraphrases, others + paraphrases)))


def _mean(values: Sequence[float]) -> float:
    return mean(values) if values else 0.0


def show(report: Report) -> str:
    """Return the report as a table."""
    rows = (
        ("photograph in first ten for class name", "found"),
        ("nDCG@10, names with votes", "voted"),
        ("nDCG@10, the other half of the names", "others"),
        ("nDCG@10, paraphrases", "paraphrases"),
        ("nDCG@10, other half and paraphrases", "scored"),
    )
    lines = [f"{report.photographs} photographs, {report.votes} votes"]
    lines.append(f"{'':40}{'before':>10}{'after':>10}{'by chance':>12}")
    for title, name in rows:
        values = [getattr(each, name) for each in (report.before, report.after, report.control)]
        lines.append(f"{title:40}{values[0]:10.3f}{values[1]:10.3f}{values[2]:12.3f}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; return 1 without photographs."""
    parser = argparse.ArgumentParser(prog="python -m engine.evaluate_search", description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--labels", type=Path, required=True, help="CSV, TSV, JSON or JSON lines")
    parser.add_argument("--voters", type=int, default=3, help="votes on each query (%(default)s)")
    parser.add_argument(
        "--noise", type=float, default=0.1, help="share of wrong votes (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    limit_allocator()
    configure("warning", "console")
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(private(os.environ, Path(folder))) as services,
        ):
            report = evaluate(
                services, given.images, given.labels, given.voters, given.noise, given.seed
            )
    except AfterimageError as error:
        print(f"evaluate_search: {error.explained}", file=sys.stderr)
        return 1
    print(show(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
