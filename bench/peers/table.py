"""The comparison in words and tables, and its place in the documents."""

import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.peers.turns import Result
from bench.processes import HOUSE
from bench.report import Run, faults, machine, spread
from tests.house.generated_tables import with_tables

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FRAMEWORKS = ("fastapi", "uvicorn", "bentoml", "litserve", "celery", "redis")
SAME_LABELS = 0.8  # share of the photographs; the engine crops, the yardstick does not
OURS = "this service, "  # what the names of this service's two forms begin with

HEAD = """\
| what | keeps the job? | images/s | share of the bare limit | p50 ms | p99 ms | CPU ms per image |
|---|---|---|---|---|---|---|"""


def table(results: Sequence[Result]) -> str:
    """One row per contender with runs: medians, with minimum and maximum of rate and share."""
    return "\n".join([HEAD, *(_row(result) for result in results if result.runs)])


def _row(result: Result) -> str:
    name, runs = result.contender.name, result.runs
    is_ours = name.startswith(OURS)
    cells = [
        f"**{name}**" if is_ours else name,
        result.contender.keeps,
        spread([run.rate for run in runs], ".0f"),
        spread([run.ratio for run in runs], ".2f"),
        *(f"{statistics.median(run.latency(p) for run in runs) * 1e3:.0f}" for p in (50, 99)),
        cpu_per_image(runs),
    ]
    return f"| {' | '.join(cells)} |"


def cpu_per_image(runs: Sequence[Run]) -> str:
    """The median of each part's CPU milliseconds per image, without the load generator's."""
    parts = [part for part in runs[0].cpu if part not in ("load generator", "others", "idle")]
    medians = {
        part: statistics.median(run.cpu[part] / len(run.answers) * 1e3 for run in runs)
        for part in parts
    }
    if len(medians) == 1:
        return f"{next(iter(medians.values())):.1f}"
    return ", ".join(f"{part} {value:.1f}" for part, value in medians.items())


def ratio(ours: Result, peer: Result) -> float:
    """The median of our share of the bare limit over the peer's, of the rounds that both ran."""
    pairs = zip(ours.runs, peer.runs, strict=False)
    return statistics.median(run.ratio / other.ratio for run, other in pairs)


def ratios(results: Sequence[Result]) -> str:
    """How each form of this service compares with each peer, one per line."""
    done = [result for result in results if result.runs]
    ours = [result for result in done if result.contender.name.startswith(OURS)]
    return "\n".join(
        f"{one.contender.name}: {ratio(one, peer):.2f} of {peer.contender.name}"
        for one in ours
        for peer in done
        if peer not in ours
    )


def problems(
    results: Sequence[Result], engine: Sequence[int], yardstick: Sequence[int]
) -> list[str]:
    """Why the comparison cannot be accepted. This service must find the engine's labels, the peers
    those of the yardstick, and these two mostly the same.
    """
    found = []
    same = sum(one == other for one, other in zip(engine, yardstick, strict=True))
    if same < SAME_LABELS * len(engine):
        found.append(f"the yardstick finds the engine's label for {same} of {len(engine)} only")
    for result in results:
        name = result.contender.name
        if result.failure:
            found.append(f"{name}: {result.failure}")
        is_ours = name.startswith(OURS)
        expected = (engine, "the engine's own") if is_ours else (yardstick, "the yardstick's")
        found += [f"{name}: {fault}" for fault in faults(result.runs, *expected)]
    return found


def versions(requirements: str) -> str:
    """The frameworks' versions in a text of pinned requirements."""
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", requirements, re.MULTILINE))
    return ", ".join(f"{name} {pinned[name]}" for name in FRAMEWORKS)


def section(results: Sequence[Result], what: str) -> str:
    """The table of `bench/README.md`, with the date, the machine and `what` was measured."""
    bare = [run.bare_rate for result in results for run in result.runs]
    made = f"On {datetime.now(UTC):%Y-%m-%d}, on {machine()}; {what}"
    peers = versions(REQUIREMENTS.read_text())
    limit = f"the bare limit was {spread(bare, '.0f')} images/s; {peers}:"
    return f"{made}; {limit}\n\n{table(results)}"


def sentence(results: Sequence[Result]) -> str:
    """The shares of the bare limit in one line, for the project's README."""
    shares = {
        result.contender.name: f"{statistics.median(run.ratio for run in result.runs):.2f}"
        for result in results
        if result.runs
    }
    ours = [
        f"{name.removeprefix(OURS)} {shares.pop(name)}" for name in list(shares) if OURS in name
    ]
    peers = [f"{name.split(',')[0]} {share}" for name, share in shares.items()]
    return (
        f"Share of the [bare limit](bench/README.md): {'; '.join(map(', '.join, (ours, peers)))}."
    )


def write(results: Sequence[Result], what: str) -> None:
    """Fill both documents."""
    texts = {
        HOUSE / "bench" / "README.md": section(results, what),
        HOUSE / "README.md": sentence(results),
    }
    for path, text in texts.items():
        path.write_text(with_tables(path.read_text(), {"peers": text}))
