"""SavedModels that people add: by a handle of TF Hub, or from a folder that says little."""

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import ModelUnavailable
from engine.models.add import add
from engine.models.loader import Model, load
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import Lines
from tests.engine.models.savedmodels import folder as folder
from tests.engine.models.savedmodels import model as model
from tests.engine.models.savedmodels import squares as squares
from tests.engine.models.savedmodels import tensorflow as tensorflow
from tests.engine.models.savedmodels import with_both as with_both
from tests.support.servers.files import Site

# ---- handles of TF Hub


def archive(folder: Path) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    return target.getvalue()


@pytest.fixture
def hub(site: Site, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server that gives the SavedModel as TF Hub does, asked by tensorflow_hub's own resolver."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    site.files = {"5?tf-hub-format=compressed": archive(folder)}
    return site.url


def test_a_handle_is_fetched_by_tensorflow_hub_and_installed(
    hub: str, site: Site, tmp_path: Path, model: Model, squares: list[Any]
) -> None:
    handle = f"{hub}/mobilenet_v2/5"
    added = add(
        "classify", handle, ModelDescription(licence="Apache-2.0"), tmp_path / "models", Lines()
    )
    assert (added.reference, added.licence) == ("mobilenet_v2@5", "Apache-2.0")
    assert added.identity["source"] == handle
    assert added.sha256 == model.manifest.sha256
    there = load("classify", tmp_path / "models", "mobilenet_v2@5").session().run(squares[:2])
    assert np.stack(there) == pytest.approx(np.stack(model.session().run(squares[:2])), abs=1e-5)
    assert [path for path, _ in site.asked] == ["/files/mobilenet_v2/5?tf-hub-format=compressed"]


def test_a_handle_that_leads_nowhere_says_so(hub: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="/none/1 cannot be downloaded"):
        add("classify", f"{hub}/none/1", ModelDescription(), tmp_path / "models", Lines())
    assert not (tmp_path / "models").exists()


# ---- what is found out of a signature


def test_a_vector_of_the_same_network_can_be_asked_for(
    folder: Path, tmp_path: Path, squares: list[Any]
) -> None:
    added = add("embed", str(folder), ModelDescription(), tmp_path, Lines())
    assert (added.output.name, added.output.shape) == ("features", (-1, 1280))
    assert added.labels is None
    [vector] = load("embed", tmp_path, added.reference).session().run(squares[:1])
    assert vector.shape == (1280,)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (ModelDescription(output="scores"), "several outputs.*features, logits"),
        (ModelDescription(output="features"), "does not have the 1000 classes of ImageNet"),
        (ModelDescription(signature="train"), "no signature train"),
    ],
)
def test_what_a_task_cannot_use_is_not_installed(
    said: ModelDescription, match: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        add("classify", str(folder), said, tmp_path, Lines())
    assert re.search(match, caught.value.explained)
    assert list(tmp_path.iterdir()) == []
