"""A service for hostile requests alone: their failed log-ins count against the tests' address."""

from collections.abc import Iterator

import pytest

from tests.support.services.processes import Running, standalone


@pytest.fixture(scope="package")
def whole_service(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Standalone with its models."""
    folder = tmp_path_factory.mktemp("hostile")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        yield running


@pytest.fixture(scope="package")
def url(whole_service: Running) -> str:
    """The base URL of the service."""
    return whole_service.base_url
