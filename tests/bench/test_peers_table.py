"""The comparison with other services: figures, checks and their place in the documents."""

from collections.abc import Sequence

import pytest

from bench.bare_limit import BareLimit
from bench.load import Answer
from bench.peers import table
from bench.peers.contenders import Contender, contenders
from bench.peers.turns import Result
from bench.report import Run
from tests.house.generated_tables import with_tables
from tests.house.sources import ROOT

LABELS = list(range(100))


def bare(rate: float) -> BareLimit:
    """A bare limit of `rate` images a second."""
    return BareLimit(count=100, seconds=100 / rate, cpu=1.0, decode=0.5, predict=0.5)


def a_run(rate: float, labels: Sequence[int | None] = LABELS, **cpu: float) -> Run:
    """A run of 100 photographs between bare limits of 180 and 220 images a second."""
    answers = [Answer(0.1 + 0.001 * n, label, {}, "refused") for n, label in enumerate(labels)]
    shares = {"load generator": 0.1, "others": 0.3, "idle": 0.2} | cpu
    return Run(len(labels) / rate, answers, shares, bare(180), bare(220))


def a_result(name: str, *runs: Run, keeps: str = "no", failure: str = "") -> Result:
    [found] = [one for one in contenders() if one.name == name] or [
        Contender(name, keeps, "raw", lambda _folder, _models: pytest.fail("not started"))
    ]
    return Result(found, list(runs), failure)


def served(*runs: Run) -> Result:
    return a_result("this service, served", *runs)


def test_a_row_has_medians_with_minimum_and_maximum() -> None:
    runs = [a_run(rate, service=1.0) for rate in (80, 100, 150)]
    [*_, row] = table.table([a_result("Peer", *runs)]).splitlines()
    assert row == ("| Peer | no | 100 (80 to 150) | 0.50 (0.40 to 0.75) | 150 | 199 | 10.0 |")


def test_this_service_has_a_figure_for_each_part() -> None:
    runs = [a_run(100, API=0.1 * n, engine=0.5, database=0.2, broker=0.1) for n in (1, 2, 9)]
    [*_, row] = table.table([served(*runs)]).splitlines()
    assert row.startswith("| **this service, served** | yes | ")
    assert row.endswith("| API 2.0, engine 5.0, database 2.0, broker 1.0 |")


def test_a_contender_without_runs_has_no_row() -> None:
    assert table.table([a_result("Peer", failure="did not start")]) == table.HEAD


def test_ratios_compare_the_same_round() -> None:
    ours = served(a_run(50), a_run(90), a_run(100))
    peer = a_result("Peer", a_run(100), a_run(100), a_run(50))
    assert table.ratio(ours, peer) == pytest.approx(0.9)
    assert table.ratios([ours, peer]) == "this service, served: 0.90 of Peer"


def test_this_service_is_compared_with_the_engine_and_peers_with_the_yardstick() -> None:
    cropped = [1000, *LABELS[1:]]
    good = [served(a_run(100, cropped)), a_result("Peer", a_run(100))]
    assert table.problems(good, cropped, LABELS) == []


def test_wrong_labels_are_a_problem() -> None:
    wrong = [999, 999, *LABELS[2:]]
    results = [served(a_run(100, wrong)), a_result("Peer", a_run(100, wrong))]
    assert table.problems(results, LABELS, LABELS) == [
        "this service, served: run 1: only 98 of 100 labels are the engine's own",
        "Peer: run 1: only 98 of 100 labels are the yardstick's",
    ]


def test_a_missing_answer_and_a_failed_start_are_problems() -> None:
    results = [
        a_result("Peer", a_run(100, [None, *LABELS[1:]])),
        a_result("Other", failure="no label: refused"),
    ]
    assert table.problems(results, LABELS, LABELS) == [
        "Peer: run 1: 1 not answered, such as: refused",
        "Other: no label: refused",
    ]


def test_a_yardstick_that_finds_other_labels_is_a_problem() -> None:
    [problem] = table.problems([], LABELS, [*LABELS[:79], *[999] * 21])
    assert problem == "the yardstick finds the engine's label for 79 of 100 only"
    assert table.problems([], LABELS, [*LABELS[:80], *[999] * 20]) == []


def test_the_sentence_has_the_shares_of_all() -> None:
    results = [
        served(a_run(80)),
        a_result("this service, standalone", a_run(60)),
        a_result("FastAPI, 2 workers", a_run(160)),
        a_result("Celery + Redis + FastAPI", a_run(50)),
    ]
    assert table.sentence(results) == (
        "Share of the [bare limit](bench/README.md): served 0.40, standalone 0.30; "
        "FastAPI 0.80, Celery + Redis + FastAPI 0.25."
    )


def test_both_documents_have_a_place_for_the_figures() -> None:
    section = table.section([served(a_run(100))], "1 x 100 photographs, 32 clients")
    assert "1 x 100 photographs, 32 clients; the bare limit was 200 (200 to 200)" in section
    for path in (ROOT / "README.md", ROOT / "bench" / "README.md"):
        filled = with_tables(path.read_text(), {"peers": section})
        assert section in filled
        assert with_tables(filled, {"peers": section}) == filled


def test_the_versions_are_those_of_the_requirements() -> None:
    requirements = table.REQUIREMENTS.read_text()
    lines = [line for line in requirements.splitlines() if line and not line.startswith("#")]
    assert all("==" in line for line in lines)
    assert "uvicorn 0." in table.versions(requirements)
    assert table.versions(requirements).count(",") == len(table.FRAMEWORKS) - 1


def test_peers_decode_and_predict_with_the_versions_of_the_yardstick() -> None:
    ours = set(table.REQUIREMENTS.read_text().splitlines())
    yardstick = (ROOT / "bench" / "yardstick" / "requirements.txt").read_text().splitlines()
    assert {line for line in yardstick if "==" in line} <= ours
