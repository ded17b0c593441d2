"""The runtime `onnx` with real files: several inputs, batches, threads, and what it refuses."""

import dataclasses
import gc
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import ModelUnavailable
from engine.models.catalogue import Fit
from engine.models.fitting import squares
from engine.models.loader import open_folder
from engine.models.onnx import LIMIT, OnnxModel, _graphs
from tests.engine.models.onnx_models import (
    CLIP,
    FACES,
    MEAN,
    SENSITIVE,
    STD,
    TEXT,
    installed,
    manifest_of,
)
from tests.support.checkout import CHECKOUT
from tests.support.images.pictures import decode

NEUTRAL = 2  # of drawing, hentai, neutral, porn, sexy
SENSITIVE_FILE, TEXT_FILE = "nsfw_mobilenet_v2.onnx", "all-MiniLM-L6-v2.int8.onnx"
CLIP_FILE, FACES_FILE = "colour-clip/visual/model.onnx", "face_detection_short_range.tflite"


@pytest.fixture
def classifier(mirror: str, tmp_path: Path) -> OnnxModel:
    model = installed(mirror, SENSITIVE_FILE, tmp_path, **SENSITIVE)
    assert isinstance(model, OnnxModel)
    return model


@pytest.fixture
def pixels(photographs: Mapping[str, bytes]) -> list[Any]:
    """The real photographs as squares, uint8 [224, 224, 3]."""
    images = [
        decode(data).convert("RGB") for name, data in photographs.items() if "mask" not in name
    ]
    return [squares(image, Fit(), 224)[0] for image in images]


def test_photographs_get_the_known_scores(classifier: OnnxModel, pixels: list[Any]) -> None:
    found = np.stack(classifier.session().run(pixels))
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert (found.argmax(axis=1) == NEUTRAL).all()
    assert np.median(found[:, NEUTRAL]) > 0.99


def test_more_items_than_a_call_takes_are_answered_in_order(
    classifier: OnnxModel, pixels: list[Any]
) -> None:
    assert classifier.batches
    session = classifier.session()
    batch = pixels * (LIMIT // len(pixels) + 2)
    assert len(batch) > LIMIT
    alone = np.stack([session.run([each])[0] for each in pixels])
    together = np.stack(session.run(batch))
    assert together == pytest.approx(np.tile(alone, (len(batch) // len(pixels), 1)), abs=1e-4)
    assert session.run([]) == []


def test_sessions_in_two_threads_answer_as_one_does(
    classifier: OnnxModel, pixels: list[Any]
) -> None:
    alone = np.stack(classifier.session().run(pixels))
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(classifier.session().run, pixels) for _ in range(4)]
        for done in runs:
            assert (np.stack(done.result(60)) == alone).all()


def test_sessions_share_a_graph_and_the_last_one_frees_it(
    classifier: OnnxModel, pixels: list[Any]
) -> None:
    before = len(_graphs()._open)
    first, second = classifier.session(), classifier.session()
    assert len(_graphs()._open) == before, "no file is opened before the first run"
    first.run(pixels[:1])
    second.run(pixels[:1])
    assert first._graph is second._graph
    assert len(_graphs()._open) == before + 1
    del first, second
    gc.collect()
    assert len(_graphs()._open) == before


def test_the_library_is_imported_with_the_first_run(classifier: OnnxModel, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(classifier.manifest.dump())
    script = (
        "import sys; import numpy as np; from pathlib import Path; "
        "from engine.models.loader import open_folder; "
        "from engine.models.verification import read_manifest; folder = Path(sys.argv[1]); "
        "session = open_folder(folder, read_manifest(folder)).session(); "
        "before = 'onnxruntime' in sys.modules; "
        "session.run([np.zeros((224, 224, 3), np.uint8)]); "
        "print(before, 'onnxruntime' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False True"


def test_a_model_with_several_inputs_gets_them_in_the_manifests_order(
    mirror: str, tmp_path: Path
) -> None:
    session = installed(mirror, TEXT_FILE, tmp_path, **TEXT).session()
    tokens, types = np.array([101, 4937, 102, 0, 0]), np.zeros(5, np.int64)
    whole, cut = np.array([1, 1, 1, 0, 0]), np.array([1, 1, 0, 0, 0])
    [[masked], [other]] = session.run_all([[tokens, whole, types], [tokens, cut, types]])
    [[short]] = session.run_all([[tokens[:3], whole[:3], types[:3]]])
    assert masked.shape == (5, 384)
    assert masked[:3] == pytest.approx(short, abs=0.05), "what the mask hides has no effect"
    assert np.abs(masked - other).max() > 0.1


def test_an_image_gets_the_mean_and_deviation_of_its_channels(mirror: str, tmp_path: Path) -> None:
    import onnxruntime

    model = installed(mirror, CLIP_FILE, tmp_path, **CLIP)
    image = np.asarray(Image.effect_noise((224, 224), 90).convert("RGB")).copy()
    image[:, :, 1] //= 2
    [found] = model.session().run([image])
    by_hand = (image / 255 - np.array(MEAN)) / np.array(STD)
    plain = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    given = np.moveaxis(by_hand.astype(np.float32), 2, 0)[None]
    [[expected]] = plain.run(None, {"image": given})
    assert found == pytest.approx(expected, abs=1e-5)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-4)


def test_litert_returns_several_outputs_in_the_manifests_order(
    mirror: str, tmp_path: Path, photographs: Mapping[str, bytes]
) -> None:
    session = installed(mirror, FACES_FILE, tmp_path, "litert", **FACES).session()
    portrait = decode(photographs["grace_hopper.bmp"]).convert("RGB").resize((128, 128))
    [[scores, boxes]] = session.run_all([[np.asarray(portrait)]])
    assert (scores.shape, boxes.shape) == ((896, 1), (896, 16))
    assert scores.max() > 0, "the logit of a face"
    [[empty, _]] = session.run_all([[np.full((128, 128, 3), 127, np.uint8)]])
    assert empty.max() < 0


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        ("input", {"name": "pixels"}),
        ("input", {"shape": (-1, 192, 192, 3)}),
        ("input", {"dtype": "uint8"}),
        ("output", {"name": "logits"}),
        ("output", {"shape": (-1, 6)}),
    ],
)
def test_a_file_that_differs_from_its_manifest_is_refused_at_the_first_run(
    place: str, changes: dict[str, Any], mirror: str, tmp_path: Path
) -> None:
    wrong = dataclasses.replace(SENSITIVE[place], **changes)
    session = installed(mirror, SENSITIVE_FILE, tmp_path, **SENSITIVE | {place: wrong}).session()
    with pytest.raises(ModelUnavailable, match=rf"The {place} of .* model\.json describes"):
        session.run([np.zeros((224, 224, 3), np.uint8)])


def test_a_model_with_more_inputs_than_its_manifest_is_refused(mirror: str, tmp_path: Path) -> None:
    session = installed(mirror, TEXT_FILE, tmp_path, **TEXT | {"more_inputs": ()}).session()
    with pytest.raises(ModelUnavailable, match="has the inputs input_ids, attention_mask"):
        session.run([np.zeros(3, np.int64)])


def test_litert_names_an_output_that_the_file_lacks(mirror: str, tmp_path: Path) -> None:
    wrong = dataclasses.replace(FACES["output"], name="scores")
    model = installed(mirror, FACES_FILE, tmp_path, "litert", **FACES | {"output": wrong})
    with pytest.raises(ModelUnavailable, match="without scores"):
        model.session()


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"text")
    session = open_folder(tmp_path, manifest_of(tmp_path / "net.onnx", **SENSITIVE)).session()
    with pytest.raises(ModelUnavailable, match=r"net\.onnx cannot be loaded"):
        session.run([np.zeros((224, 224, 3), np.uint8)])


def test_a_provider_that_is_not_installed_is_named(mirror: str, tmp_path: Path) -> None:
    model = installed(mirror, SENSITIVE_FILE, tmp_path, providers=("CUDA", "CPU"), **SENSITIVE)
    with pytest.raises(ModelUnavailable, match=r"ONNX_PROVIDERS names CUDA; .* CPU"):
        model.session().run([np.zeros((224, 224, 3), np.uint8)])


def test_without_the_library_the_runtime_is_named(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "engine.models.onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match=r"runtime `onnx`, .*afterimage\[engine\]"):
        installed(mirror, SENSITIVE_FILE, tmp_path, **SENSITIVE)
