"""The measurement of duplicates: the copies that are made, and what the report counts."""

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from common.errors import InputFault
from engine.evaluate_duplicates import Report, evaluate, find_photographs, show
from engine.evaluation.copies import CROPPED, MAKERS, RECODED, SCALED, write_copies
from engine.evaluation.gallery import opened, private
from tests.support.services.served import models as models

NAMES = ("cat_720p.jpg", "hot_dog.jpg", "parrot.jpg", "pets.jpg")


@pytest.fixture(scope="module")
def folder(photographs: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("photographs")
    for name in NAMES:
        (found / name).write_bytes(photographs[name])
    (found / "notes.txt").write_text("no photograph")
    return found


def test_copies_are_made_as_their_kind_says(folder: Path, tmp_path: Path) -> None:
    original = folder / "pets.jpg"
    made = write_copies(original, tmp_path, seed=1)
    assert set(made) == set(MAKERS)
    sizes = {}
    for kind, file in made.items():
        with Image.open(file) as picture:
            sizes[kind] = picture.size
    width, height = Image.open(original).size
    assert sizes[RECODED] == (width, height)
    assert width * 0.3 <= sizes[SCALED][0] + 1 <= width * 0.9 + 2
    assert width * height * 0.6 < sizes[CROPPED][0] * sizes[CROPPED][1] < width * height
    again = write_copies(original, tmp_path, seed=1)
    assert again == made


def test_photographs_are_chosen_evenly(folder: Path, tmp_path: Path) -> None:
    assert [path.name for path in find_photographs(folder, 1_000)] == list(NAMES)
    assert [path.name for path in find_photographs(folder, 2)] == ["cat_720p.jpg", "parrot.jpg"]
    with pytest.raises(InputFault):
        find_photographs(tmp_path, 10)


def test_the_report_counts_answers_and_pairs() -> None:
    pairs = dict.fromkeys(MAKERS, 4)
    report = Report(photographs=2, copies=8, right=9, wrong=[("a", "b", "why")])
    report.pairs, report.found = Counter(pairs), Counter(pairs | {CROPPED: 2})
    assert (report.precision, report.recall) == (0.9, 14 / 16)
    shown = show(report)
    assert "precision 0.9000 (1 wrong of 10 answers)" in shown
    assert "wrong: a and b: why" in shown


@pytest.mark.slow
def test_copies_of_real_photographs_are_found(folder: Path, models: str, tmp_path: Path) -> None:
    settings = private({"MODEL_DIR": models}, tmp_path / "private")
    copies = tmp_path / "copies"
    copies.mkdir()
    with opened(settings) as services:
        report = evaluate(services, find_photographs(folder, 10), copies, seed=0)
    assert (report.photographs, report.copies) == (4, 16)
    assert report.pairs.total() == 32
    assert report.wrong == []
    assert report.recall == 1


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine.evaluate_duplicates", "--images", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert str(tmp_path) in ran.stderr
