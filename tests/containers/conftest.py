"""`make container-tests`, after `make build up`: what is missing is a failure, not a skip."""

import pytest

from tests.containers.docker import BASE_URL, COMPOSE, run
from tests.support.http.calls import cat as cat
from tests.support.http.calls import get


@pytest.fixture(scope="session", autouse=True)
def stack() -> None:
    """The stack runs and answers."""
    done = run(*COMPOSE, "ps", "-q", "nginx")
    if done.returncode or not done.stdout.strip():
        pytest.exit(f"no stack is running here (`make build up`): {done.stderr.strip()}", 1)
    answer = get(f"{BASE_URL}/readyz")
    assert answer.status_code == 200, answer.text
