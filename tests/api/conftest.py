"""One standalone service for the tests of the HTTP edge: a real Gunicorn, a real engine."""

from collections.abc import Iterator

import pytest

from tests.support.http.calls import cat as cat
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models


@pytest.fixture(scope="session")
def whole_service(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Standalone with its models, shared by the tests that only talk to it."""
    folder = tmp_path_factory.mktemp("standalone")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        yield running


@pytest.fixture(scope="session")
def url(whole_service: Running) -> str:
    """Where it answers."""
    return whole_service.base_url
