"""The evaluation: labels in every form, measures, and feedback that makes real searches better."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from PIL import Image

from common.database.ids import new_id
from common.errors import InputFault
from engine.evaluate_search import Report, evaluate, show
from engine.evaluation.gallery import opened, private
from engine.evaluation.labelled_photographs import Photograph, read_photographs
from engine.evaluation.measures import found_first, ndcg
from engine.evaluation.queries import questions
from tests.support.images.made_photographs import make
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

PHOTOGRAPHS, MEGAPIXELS = 48, 0.02
MASK = "dog_segmentation_mask.bmp"  # no photograph
# What is on each photograph of the folder, in the order of their names.
LABELS = [
    "Egyptian cat|tabby;cat|kitten;animal;pet", "Samoyed;dog|puppy;animal;pet",
    "military uniform|admiral;person|woman;portrait", "hot dog;food;snack",
    "kite;sky;beach|seaside", "macaw|parrot;bird;animal", "Boston bull;dog|puppy;animal;pet",
    "daisy|sunflower;flower|blossom;plant",
]  # fmt: skip
CAT = (("Egyptian cat",), ("cat", "kitten"))
FORMS = {
    "a.csv": "file,label,label\na.jpg,Egyptian cat,cat|kitten\nb.jpg,dog\n",
    "b.csv": "a.jpg,Egyptian cat; cat | kitten\n\nb.jpg,dog\nc.jpg,\nmissing.jpg,x\n",
    "c.tsv": "image\tlabel\na.jpg\tEgyptian cat;cat|kitten\nb.jpg\tdog\n",
    "d.json": json.dumps({"a.jpg": ["Egyptian cat", "cat|kitten"], "b.jpg": "dog"}),
    "e.jsonl": '{"file": "a.jpg", "labels": ["Egyptian cat", "cat|kitten"]}\n\n'
    '{"file": "b.jpg", "labels": "dog"}\n',
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize("name", FORMS)
def test_labels_are_read_in_every_form(folder: Path, name: str) -> None:
    (folder / name).write_text(FORMS[name], encoding="utf-8-sig")
    assert read_photographs(folder, folder / name) == [
        Photograph(folder / "a.jpg", CAT),
        Photograph(folder / "b.jpg", (("dog",),)),
    ]


@pytest.mark.parametrize("label", ["n02124075", "285"])
def test_classes_of_imagenet_bring_their_other_names(folder: Path, label: str) -> None:
    (folder / "l.csv").write_text(f"a.jpg,{label}\n")
    [photograph] = read_photographs(folder, folder / "l.csv")
    names = [thing[0] for thing in photograph.things]
    assert names[0] == "Egyptian cat"
    assert {"cat", "animal"} <= set(names)
    assert any("kitten" in thing for thing in photograph.things)


@pytest.mark.parametrize("text", ["", "x.jpg,cat", "a.jpg,", "a.jpg"])
def test_without_any_labelled_photograph_there_is_nothing_to_measure(
    folder: Path, text: str
) -> None:
    (folder / "l.csv").write_text(text)
    with pytest.raises(InputFault):
        read_photographs(folder, folder / "l.csv")


@pytest.mark.parametrize("text", ["{", "[1]", '{"a.jpg": 1', "\ud800"])
def test_what_are_no_labels_is_said(folder: Path, text: str) -> None:
    (folder / "l.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputFault, match=r"l\.json"):
        read_photographs(folder, folder / "l.json")


def test_the_measures_are_those_of_the_paper() -> None:
    right = [new_id() for _ in range(3)]
    wrong = [new_id() for _ in range(20)]
    assert ndcg(right, right) == 1
    assert ndcg(wrong + right, right) == 0
    assert ndcg([wrong[0], right[0]], right[:1]) == pytest.approx(0.6309, abs=1e-4)
    assert ndcg([right[0], wrong[0], right[1]], right[:2]) == pytest.approx(0.9197, abs=1e-4)
    assert ndcg([], right) == 0
    assert ndcg(list(wrong), wrong) == 1, "ten are all that are looked at"
    assert (found_first(wrong[:9] + right, right), found_first(wrong[:10] + right, right)) == (1, 0)


def test_half_of_the_names_are_voted_on_and_no_name_is_in_both_halves() -> None:
    space = UUID(int=0)
    gallery = {
        uuid5(space, str(n)): Photograph(Path(f"{n}"), ((f"thing {n % 10}", "other"), ("all",)))
        for n in range(20)
    }
    asked = questions(gallery, seed=1)
    voted, others = ({each.query for each in half} for half in (asked.voted, asked.others))
    assert (len(voted), len(others), voted & others) == (5, 6, set())
    assert {len(each.right) for each in (*asked.voted, *asked.others)} <= {2, 20}
    assert not {each.query for each in asked.paraphrases} & (voted | others)
    assert asked == questions(gallery, seed=1) != questions(gallery, seed=2)


@pytest.fixture(scope="module")
def labelled(
    photographs: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Crops of the real photographs, turned and small: of larger ones the classifier is so sure
    that the search has nothing left to learn.
    """
    folder = tmp_path_factory.mktemp("labelled")
    names = sorted(set(photographs) - {MASK})
    originals = [Image.open(io.BytesIO(photographs[name])).convert("RGB") for name in names]
    for number in range(PHOTOGRAPHS):
        (folder / f"{number}.jpg").write_bytes(make(originals, number, MEGAPIXELS))
    rows = [f"{number}.jpg,{LABELS[number % len(LABELS)]}" for number in range(PHOTOGRAPHS)]
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder, folder / "labels.csv"


@pytest.fixture(scope="module")
def report(
    labelled: tuple[Path, Path], models: str, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    settings = private({"MODEL_DIR": models}, tmp_path_factory.mktemp("private"))
    with opened(settings) as services:
        return evaluate(services, *labelled, voters=3, noise=0.1, seed=0)


def test_feedback_makes_searches_better_that_nobody_voted_on(report: Report) -> None:
    assert report.photographs == PHOTOGRAPHS
    assert report.votes > 100
    assert 0.5 < report.before.scored < 1
    assert report.after.scored > report.before.scored
    assert report.after.voted > report.before.voted


def test_votes_by_chance_make_nothing_better(report: Report) -> None:
    """Of what was voted on itself they may: what looks like a right image is found by any vote."""
    assert report.control.scored <= report.before.scored
    assert report.control.voted < report.after.voted


def test_the_report_shows_all_three(report: Report) -> None:
    last = show(report).splitlines()[-1].split()
    shown = [float(number) for number in last[-3:]]
    about = (report.before.scored, report.after.scored, report.control.scored)
    assert shown == [pytest.approx(value, abs=5e-4) for value in about]


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    labels = tmp_path / "none.csv"
    command = [sys.executable, "-m", "engine.evaluate_search", "--images", str(tmp_path)]
    ran = subprocess.run(
        [*command, "--labels", str(labels)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert str(labels) in ran.stderr
