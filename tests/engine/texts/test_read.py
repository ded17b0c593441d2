"""The task `read` with its real networks: what is read, where, and in which order."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import InputFault, ModelUnavailable
from common.settings import Settings
from common.tasks import contract
from common.tasks.read import searchable
from engine.models.catalogue import default_model
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.tasks import read
from engine.tasks.read import ReadRunner, open_runner
from tests.support.images.made_texts import INVOICE, columns, invoice, with_sign
from tests.support.images.pictures import decode, encode, exif

SIGN = [[420, 60], [780, 110], [775, 205], [425, 175]]


@pytest.fixture(scope="module")
def settings(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("models")
    pull(default_model("read"), folder, mirror, Lines())
    return Settings.from_env({"MODEL_DIR": str(folder)})


@pytest.fixture(scope="module")
def runner(settings: Settings) -> ReadRunner:
    return open_runner(settings)


def ask(runner: ReadRunner, data: bytes, **params: Any) -> dict[str, Any]:
    """The result as the engine would write it."""
    asked = contract("read").check_params(params)
    [result] = runner.run([runner.prepare(data, asked)], [asked])
    assert contract("read").result().validate(result) == {}
    return result


def texts(result: Mapping[str, Any]) -> list[str]:
    return [line["text"] for line in result["lines"]]


def center(line: Mapping[str, Any]) -> Sequence[float]:
    middle: Sequence[float] = np.mean(line["polygon"], axis=0).tolist()
    return middle


def test_an_invoice_is_read_exactly(runner: ReadRunner) -> None:
    result = ask(runner, encode(invoice(), "PNG"))
    assert texts(result) == list(INVOICE)
    assert result["is_complete"] is True
    assert searchable(result).text == "\n".join(INVOICE)
    assert all(line["score"] > 0.9 for line in result["lines"])


def test_each_polygon_encloses_its_line(runner: ReadRunner) -> None:
    result = ask(runner, encode(invoice(), "PNG"))
    y = 30
    for line, size in zip(result["lines"], INVOICE.values(), strict=True):
        (left, top), (right, _), (_, bottom), (_, _) = line["polygon"]
        assert 35 < left <= 52
        assert right > left + 4 * size
        assert y - 0.3 * size < top < y + 0.4 * size
        assert y + 0.9 * size < bottom < y + 1.5 * size
        y += round(1.6 * size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_coordinates_are_those_of_the_upright_original(
    runner: ReadRunner, orientation: int
) -> None:
    upright = invoice()
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # of Image.Transpose: undone by EXIF
    stored = upright.transpose(Image.Transpose(turn[orientation])) if orientation > 1 else upright
    result = ask(runner, encode(stored, "JPEG", quality=95, exif=exif(orientation)))
    expected = ask(runner, encode(upright, "JPEG", quality=95))
    assert (result["width"], result["height"]) == upright.size
    assert texts(result) == list(INVOICE)
    for line, same in zip(result["lines"], expected["lines"], strict=True):
        assert center(line) == pytest.approx(center(same), abs=3)


@pytest.mark.parametrize("factor", [0.6, 3])
def test_a_picture_of_another_size_is_read_too(runner: ReadRunner, factor: float) -> None:
    image = invoice()
    size = round(factor * image.width), round(factor * image.height)
    result = ask(runner, encode(image.resize(size, Image.Resampling.LANCZOS), "PNG"))
    assert (result["width"], result["height"]) == size
    assert texts(result)[0] == "INVOICE 2041"
    assert "Total due: 48.75 EUR" in texts(result)


def test_a_sign_in_a_photograph_is_read(
    runner: ReadRunner, photographs: Mapping[str, bytes]
) -> None:
    """No photograph of the set has a sign, so one is drawn into it in perspective."""
    scene = with_sign(decode(photographs["cat_720p.jpg"]), "Harbour Street", SIGN)
    result = ask(runner, encode(scene, "JPEG", quality=90))
    [line] = [each for each in result["lines"] if each["text"] == "Harbour Street"]
    assert center(line) == pytest.approx(np.mean(SIGN, axis=0).tolist(), abs=15)


@pytest.mark.parametrize("angle", [-8, 5])
def test_slanted_lines_keep_their_order(runner: ReadRunner, angle: float) -> None:
    slanted = invoice().rotate(angle, expand=True, fillcolor="white")
    assert texts(ask(runner, encode(slanted, "PNG"))) == list(INVOICE)


def test_rows_of_a_table_stay_together(runner: ReadRunner) -> None:
    table = [("Apples", "12", "3.40"), ("Bread", "1", "2.95"), ("Cheese", "250", "6.10")]
    image = columns(table)
    for picture in (image, image.rotate(3, expand=True, fillcolor="white")):
        result = ask(runner, encode(picture, "PNG"), min_score=0.3)
        assert [text for text in texts(result) if text.isalpha()] == [row[0] for row in table]
        places = [texts(result).index(price) for _, _, price in table]
        assert places == sorted(places)
        assert texts(result).index("Bread") > places[0]


@pytest.mark.parametrize("size", [(60, 40), (1, 1), (3000, 1), (1, 3000), (12_000, 16)])
def test_a_picture_without_text_has_no_lines(runner: ReadRunner, size: tuple[int, int]) -> None:
    result = ask(runner, encode(Image.new("RGB", size, "gray"), "PNG"))
    assert result == {"width": size[0], "height": size[1], "lines": [], "is_complete": True}


def test_params_limit_the_lines(runner: ReadRunner) -> None:
    data = encode(invoice(), "PNG")
    first = ask(runner, data, max_lines=2)
    assert texts(first) == list(INVOICE)[:2]
    assert first["is_complete"] is False
    every = ask(runner, data)["lines"]
    limit = sorted(line["score"] for line in every)[4]
    sure = ask(runner, data, min_score=limit)["lines"]
    assert sure == [line for line in every if line["score"] >= limit]
    assert len(sure) < len(every)


def test_no_more_than_a_bounded_width_is_read(
    runner: ReadRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MOST_WIDTH", 1500)
    result = ask(runner, encode(invoice(), "PNG"))
    assert result["is_complete"] is False
    assert texts(result) == list(INVOICE)[: len(result["lines"])]
    assert 0 < len(result["lines"]) < len(INVOICE)


@pytest.mark.parametrize(
    "params",
    [{"min_score": -0.1}, {"min_score": 1.1}, {"max_lines": 0}, {"max_lines": 501},
     {"max_lines": 1.5}, {"language": "en"}],
    ids=str,
)  # fmt: skip
def test_params_out_of_range_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InputFault) as caught:
        contract("read").check_params(params)
    assert caught.value.errors is not None
    assert list(caught.value.errors["params"]) == list(params)


def test_without_its_model_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="make models"):
        open_runner(Settings.from_env({"MODEL_DIR": str(tmp_path)}))


def test_a_part_that_does_not_exist_is_refused() -> None:
    model = default_model("read")
    assert model.part("recognizer").files[0].name == "PP-OCRv6_rec_tiny.onnx"
    with pytest.raises(ModelUnavailable, match="no part and file with the role `painter`"):
        model.part("painter")
    with pytest.raises(ModelUnavailable, match="`recognizer`"):
        dataclasses.replace(model, files=model.files[:1]).part("recognizer")


def test_a_manifest_with_parts_survives_its_text() -> None:
    model = default_model("read")
    assert type(model).parse(json.loads(model.dump())) == model
