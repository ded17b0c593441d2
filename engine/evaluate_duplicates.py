"""`python -m engine.evaluate_duplicates --images DIR`: measure how well copies are recognized.

Copies of each photograph below the folder are made: encoded anew, scaled, cropped, and both. All
are stored and indexed in a temporary folder, and then the copies of each file are searched. Every
other photograph is a wrong answer, so a folder with many photographs of the same things is the
hardest test.
"""

import argparse
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from common.allocator import limit_allocator
from common.errors import AfterimageError, InputFault
from common.observability.logs import configure
from common.services import Services
from engine.evaluation.copies import MAKERS, write_copies
from engine.evaluation.gallery import fill, opened, private
from engine.evaluation.labelled_photographs import Photograph
from engine.tasks import search as task

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


@dataclass(slots=True)
class Report:
    """Counts of answers; a pair is an original and one of its copies, searched both ways."""

    photographs: int = 0
    copies: int = 0
    right: int = 0  # answers that show the same photograph
    wrong: list[tuple[str, str, str]] = field(default_factory=list)  # the two files, and why
    pairs: Counter[str] = field(default_factory=Counter)  # by the kind of the copy
    found: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        """The share of right answers; 1 without any."""
        return self.right / (self.right + len(self.wrong)) if self.right or self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of pairs that were found."""
        return self.found.total() / self.pairs.total()


def evaluate(services: Services, photographs: Sequence[Path], folder: Path, seed: int) -> Report:
    """Store the photographs and copies of them with `services`, and search the copies of each.

    `folder` receives the copies. Raises InputFault if no photograph can be used.
    """
    made = {path: write_copies(path, folder, seed) for path in photographs}
    kinds = {copy: (path, kind) for path, each in made.items() for kind, copy in each.items()}
    files = [Photograph(path, ()) for path in (*made, *kinds)]
    stored = {id: each.path for id, each in fill(services, files, ("embed", "fingerprint")).items()}
    report = Report(photographs=len(made), copies=len(kinds))
    original = {path: kinds.get(path, (path, ""))[0] for path in stored.values()}
    for path, answers in _answers(services, stored):
        for other, why in answers.items():
            if original[path] == original[other]:
                report.right += 1
            else:
                report.wrong.append((path.name, other.name, why))
        counted = made.get(path, {kinds[path][1]: original[path]} if path in kinds else {})
        report.pairs.update(counted.keys())
        report.found.update(kind for kind, other in counted.items() if other in answers)
    return report


def _answers(
    services: Services, stored: Mapping[UUID, Path]
) -> Iterator[tuple[Path, dict[Path, str]]]:
    """Yield each file with the files that were found as its copies, and why."""
    work = task.open_worker_pool(services, threading.Event()).open_runner(None)
    for id, path in stored.items():
        params = {"copies_of": str(id), "asked_by": None}
        [result] = work.run([work.prepare(b"", params)], [params])
        yield path, {stored[UUID(each["image_id"])]: each["why"] for each in result["items"]}


def show(report: Report) -> str:
    """Return the report as a table."""
    lines = [
        f"{report.photographs} photographs, {report.copies} copies",
        f"precision {report.precision:.4f} ({len(report.wrong)} wrong of "
        f"{report.right + len(report.wrong)} answers)",
        f"recall    {report.recall:.4f}",
    ]
    for kind in MAKERS:
        share = report.found[kind] / report.pairs[kind]
        lines.append(f"  {kind:20}{share:8.4f}  of {report.pairs[kind]} pairs")
    return "\n".join(lines + [f"wrong: {a} and {b}: {why}" for a, b, why in report.wrong[:20]])


def find_photographs(folder: Path, most: int) -> list[Path]:
    """Return up to `most` image files below the folder, evenly from its sorted list.

    Raises InputFault if the folder has no image file.
    """
    files = sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES)
    if not files:
        raise InputFault(f"There is no image file in {folder}.")
    return files[:: -(-len(files) // most)]


def main() -> int:
    """Print the table; return 1 without photographs."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.evaluate_duplicates", description=__doc__
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--most", type=int, default=1_000, help="photographs (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    limit_allocator()
    configure("warning", "console")
    try:
        photographs = find_photographs(given.images, given.most)
        with (
            tempfile.TemporaryDirectory() as folder,
            tempfile.TemporaryDirectory() as copies,
            opened(private(os.environ, Path(folder))) as services,
        ):
            report = evaluate(services, photographs, Path(copies), given.seed)
    except AfterimageError as error:
        print(f"evaluate_duplicates: {error.explained}", file=sys.stderr)
        return 1
    print(show(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
