"""What was measured, in words and tables."""

import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.bare_limit import BareLimit
from bench.load import Answer
from bench.processes import HOUSE, Memory

README = HOUSE / "bench" / "README.md"
ROW_END = "<!-- end of results -->"
PHASES = ("queue", "fetch", "decode", "predict", "write")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the service, between two measurements of the bare limit."""

    seconds: float
    answers: Sequence[Answer]
    cpu: Mapping[str, float]  # by part, in seconds
    before: BareLimit
    after: BareLimit

    @property
    def rate(self) -> float:
        """Images a second, end to end."""
        return len(self.answers) / self.seconds

    @property
    def bare_rate(self) -> float:
        """Images a second of the neighbouring bare measurements."""
        return statistics.mean((self.before.rate, self.after.rate))

    @property
    def ratio(self) -> float:
        """The service's share of the bare limit."""
        return self.rate / self.bare_rate

    def latency(self, percent: int) -> float:
        """Seconds from post to answer that `percent` of the photographs stay below."""
        return percentile([answer.seconds for answer in self.answers], percent)


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def spread(values: Sequence[float], form: str) -> str:
    """`median (least to most)`."""
    each = [format(one, form) for one in (statistics.median(values), min(values), max(values))]
    return f"{each[0]} ({each[1]} to {each[2]})"


def faults(
    runs: Sequence[Run], expected: Sequence[int], source: str = "the engine's own"
) -> list[str]:
    """Why the answers cannot be accepted; empty when they can. `expected` are the labels of the
    photographs according to `source`.
    """
    found = []
    for number, run in enumerate(runs, 1):
        problems = [answer.problem for answer in run.answers if answer.label is None]
        if problems:
            found.append(f"run {number}: {len(problems)} not answered, such as: {problems[0]}")
        pairs = list(zip(run.answers, expected, strict=True))
        same = sum(answer.label == label for answer, label in pairs)
        if same < 0.99 * len(pairs):
            found.append(f"run {number}: only {same} of {len(pairs)} labels are {source}")
    return found


def line(number: int, run: Run) -> str:
    """A run in a line; `others` is the share of the cores that went to what is not measured."""
    others = run.cpu["others"] / sum(run.cpu.values())
    return (
        f"run {number}: {run.rate:6.1f} images/s, bare {run.bare_rate:6.1f}, ratio {run.ratio:.2f},"
        f" by CPU time {cpu_ratio(run):.2f}, p50 {run.latency(50) * 1e3:.0f} ms,"
        f" p99 {run.latency(99) * 1e3:.0f} ms, others {others:.0%}"
    )


def summary(runs: Sequence[Run], memory: Mapping[str, Memory]) -> str:
    """All that a reader wants to know, with the run of the median ratio taken apart."""
    middle = sorted(runs, key=lambda run: run.ratio)[len(runs) // 2]
    return "\n".join([
        f"images a second   {spread([run.rate for run in runs], '.1f')}",
        f"the bare limit    {spread([run.bare_rate for run in runs], '.1f')}",
        f"ratio             {spread([run.ratio for run in runs], '.2f')}   median (least to most)",
        f"latency p50       {spread([run.latency(50) * 1e3 for run in runs], '.0f')} ms",
        f"latency p99       {spread([run.latency(99) * 1e3 for run in runs], '.0f')} ms",
        f"ratio by CPU time {spread([cpu_ratio(run) for run in runs], '.2f')}   "
        "CPU of a bare image over CPU of a served one",
        *_where_it_goes(middle),
        *_phases(middle),
        *(_memory(memory) if memory else []),
    ])  # fmt: skip


def cpu_ratio(run: Run) -> float:
    """CPU of a bare image over CPU of a served image, the load generator's included."""
    bare = run.before.cpu + run.after.cpu
    images = run.before.count + run.after.count
    ours = sum(seconds for name, seconds in run.cpu.items() if name not in ("others", "idle"))
    return (bare / images) / (ours / len(run.answers))


def _where_it_goes(run: Run) -> list[str]:
    images = len(run.answers)
    bare = [run.before, run.after]
    count = sum(one.count for one in bare)
    rows = [
        ("bare: decode", sum(one.decode for one in bare) / count),
        ("bare: predict", sum(one.predict for one in bare) / count),
        *((name, seconds / images) for name, seconds in run.cpu.items()),
        ("sum", sum(run.cpu.values()) / images),
    ]
    title = "\nwhere it goes, milliseconds of CPU an image (the run of the median ratio)"
    return [title, *(f"  {name:<16}{seconds * 1e3:8.2f}" for name, seconds in rows)]


def _phases(run: Run) -> list[str]:
    title = "\nthe way of an image, milliseconds on the clock: median, 99th percentile"
    rows = []
    for phase in PHASES:
        values = [answer.timings[phase] for answer in run.answers if phase in answer.timings]
        if values:
            median, late = percentile(values, 50) * 1e3, percentile(values, 99) * 1e3
            rows.append(f"  {phase:<16}{median:8.1f}{late:10.1f}")
    return [title, *rows]


def _memory(memory: Mapping[str, Memory]) -> list[str]:
    title = "\nmemory, MiB: resident, proportional (shared pages shared out), processes"
    return [title, *(
        f"  {name:<16}{one.rss / 2**20:8.0f}{one.pss / 2**20:10.0f}{one.processes:6}"
        for name, one in memory.items()
    )]  # fmt: skip


def machine() -> str:
    """Processor, cores and the versions that matter."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    model = re.search(r"model name\s*: (.+)", text)
    cores = text.count("model name") or "?"
    return f"{cores} x {model[1] if model else platform.processor()}"


def versions(servers: Mapping[str, str]) -> str:
    """Of Python, the model's runtime, the decoder, and the servers."""
    ours = {name: version(name) for name in ("ai-edge-litert", "opencv-python-headless")}
    known = {"Python": platform.python_version(), **ours, **servers}
    return ", ".join(f"{name} {number}" for name, number in known.items())


def add_row(runs: Sequence[Run], what: str, servers: Mapping[str, str]) -> None:
    """Append the figures to the table in the README; `what` are the options that matter."""
    cells = [
        f"{datetime.now(UTC):%Y-%m-%d}", machine(), what, versions(servers),
        spread([run.rate for run in runs], ".0f"), spread([run.bare_rate for run in runs], ".0f"),
        spread([run.ratio for run in runs], ".2f"), spread([cpu_ratio(run) for run in runs], ".2f"),
        spread([run.latency(50) * 1e3 for run in runs], ".0f"),
        spread([run.latency(99) * 1e3 for run in runs], ".0f"),
    ]  # fmt: skip
    text = README.read_text()
    README.write_text(text.replace(ROW_END, f"| {' | '.join(cells)} |\n{ROW_END}"))
