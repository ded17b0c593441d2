"""What the engine's tests stand on: the real weights and the real photographs."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.models.catalogue import default_model
from engine.models.progress import Lines
from engine.models.pull import pull
from tests.engine.models.small import WEIGHTS
from tests.support.checkout import CHECKOUT
from tests.support.images.pictures import photographs as installed_photographs
from tests.support.servers.backends import missing
from tests.support.servers.files import Site, serving

BESIDE = CHECKOUT.parent / "shared" / "models"


@pytest.fixture(scope="session")
def mirror() -> str:
    """Where the models' files are: MODEL_MIRROR, or ../shared/models beside the checkout."""
    found = os.environ.get("MODEL_MIRROR") or (str(BESIDE) if BESIDE.is_dir() else "")
    return found or missing(f"MODEL_MIRROR is not set and there is no folder {BESIDE}")


@pytest.fixture(scope="session")
def model_dir(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MODEL_DIR with the classifier in it."""
    folder = tmp_path_factory.mktemp("models")
    pull(default_model("classify"), folder, mirror, Lines())
    return folder


@pytest.fixture(scope="session")
def photographs() -> Mapping[str, bytes]:
    """The real photographs by their file names."""
    return installed_photographs() or missing("there are no photographs; IMAGES_DIR names a folder")


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server that has the weights of the small model."""
    with serving() as site:
        site.files = {"net.bin": WEIGHTS}
        yield site
