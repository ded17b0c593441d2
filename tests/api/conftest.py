"""One standalone service for the tests of the HTTP edge: a real Gunicorn, a real engine."""

from collections.abc import Iterator

import pytest
from flask import Flask

from api.login import passwords
from tests.support.http.accounts import Account, sign_up
from tests.support.http.calls import cat as cat
from tests.support.services.in_process import app as app
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


@pytest.fixture
def anna(app: Flask) -> Account:
    """An account of the application in the test's own process."""
    return sign_up(app, "anna")


@pytest.fixture
def ben(app: Flask) -> Account:
    """Another account of it."""
    return sign_up(app, "ben")


@pytest.fixture(autouse=True)
def quick_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords cheaply in applications of this process; accounts and log-in are tested as
    they are.
    """
    if request.path.parent.name not in ("accounts", "login"):
        monkeypatch.setattr(passwords, "MEMORY_KIB", 64)
        monkeypatch.setattr(passwords, "PASSES", 1)
