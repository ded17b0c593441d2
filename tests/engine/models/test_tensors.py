"""The conversion of pixels to a model's numbers, and of its values to numbers."""

import json
from typing import Any

import numpy as np
import pytest

from engine.models.catalogue import LOGITS, Manifest, Tensor, default_model
from engine.models.tensors import parse_tensor, to_input, to_numbers

PIXEL = np.array([[[[0, 51, 255]]]], np.uint8)  # one image of one pixel


def converted(**described: Any) -> list[float]:
    shape = (1, 3, 1, 1) if described.get("layout") == "NCHW" else (1, 1, 1, 3)
    values = to_input(PIXEL, Tensor(shape=shape, dtype="float32", **described))
    assert values.shape == shape
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    return list(values.ravel().tolist())


def test_pixels_become_the_numbers_of_the_manifest() -> None:
    assert converted() == [0, 51, 255]
    assert converted(scale=1 / 255) == pytest.approx([0, 0.2, 1])
    assert converted(scale=1 / 127.5, zero_point=127.5) == pytest.approx([-1, -0.6, 1])
    assert converted(mean=(1, 2, 3), std=(1, 7, 4)) == pytest.approx([-1, 7, 63])
    assert converted(scale=1 / 255, mean=(0.5,) * 3, std=(0.5,) * 3) == pytest.approx([-1, -0.6, 1])


def test_the_order_of_channels_changes_after_mean_and_deviation() -> None:
    assert converted(channels="BGR") == [255, 51, 0]
    assert converted(channels="BGR", mean=(1, 2, 3)) == [252, 49, -1]
    assert converted(channels="BGR", layout="NCHW") == [255, 51, 0]


def test_nchw_has_one_plane_per_channel() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    tensor = Tensor(shape=(1, 3, 2, 2), dtype="float32", layout="NCHW")
    assert to_input(image, tensor)[0, 1].tolist() == [[1, 4], [7, 10]]
    assert tensor.item_shape == (2, 2, 3)
    assert tensor.side == 2


def test_pixels_of_integer_inputs_are_unchanged() -> None:
    tensor = Tensor(shape=(1, 1, 1, 3), dtype="uint8", scale=1 / 255, zero_point=10)
    assert to_input(PIXEL, tensor).tolist() == PIXEL.tolist()


def test_logits_become_probabilities_without_overflow() -> None:
    tensor = Tensor(shape=(1, 3), dtype="float32", meaning=LOGITS)
    found = to_numbers(np.array([[1000.0, 1000.0, -1000.0]], np.float32), tensor)
    assert found.tolist() == [[0.5, 0.5, 0]]


def test_quantized_values_become_float32_and_indices_stay() -> None:
    scaled = Tensor(shape=(1, 1), dtype="uint8", scale=0.5, zero_point=2)
    assert to_numbers(np.array([[4]], np.uint8), scaled).tolist() == [[1]]
    plain = Tensor(shape=(1, 1), dtype="int64")
    assert to_numbers(np.array([[4]]), plain).dtype == np.int64


@pytest.mark.parametrize(
    "described",
    [{"layout": "CHW"}, {"channels": "RBG"}, {"mean": [1, 2]}, {"std": [1, 1, 0]}, {"std": [1]}],
)
def test_an_unknown_conversion_is_refused(described: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not a tensor"):
        parse_tensor({"shape": [1, 2, 2, 3], "dtype": "float32"} | described)


def test_a_manifest_with_all_extensions_is_written_and_read() -> None:
    about = json.loads(default_model("classify").dump())
    about["more_outputs"] = [{"name": "boxes", "shape": [1, 4], "dtype": "float32"}]
    about["input"] |= {"channels": "BGR", "mean": [1, 2, 3], "std": [4, 5, 6]}
    about["fit"] = {"kind": "letterbox", "place": "center", "fill": 114}
    about["decoder"] = "yolox"
    read = Manifest.parse(about)
    assert read.outputs[1] == Tensor(name="boxes", shape=(1, 4), dtype="float32")
    assert Manifest.parse(json.loads(read.dump())) == read


def test_a_model_json_holds_only_what_its_model_uses() -> None:
    """An engine of an earlier version reads it too."""
    about = json.loads(default_model("embed").dump())
    assert set(about) == {
        "task", "name", "version", "runtime", "licence", "source", "input", "output", "files"
    }  # fmt: skip
    assert set(about["input"]) == {"shape", "dtype", "layout"}
    assert set(about["files"][0]) == {"name", "size", "sha256"}


def test_variable_sides_of_an_item_have_a_length_that_networks_accept() -> None:
    page = Tensor(shape=(1, 3, -1, -1), dtype="float32", layout="NCHW")
    assert page.item_shape == (32, 32, 3)
    assert Tensor(shape=(-1, -1, 8), dtype="float32").item_shape == (1, 8)
