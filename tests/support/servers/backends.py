"""Which servers the tests talk to: given by the environment, in Docker, or private programs.

In this order, for each of database and broker:
1. TEST_DATABASE_URL, TEST_BROKER_URL; with several workers of pytest-xdist each URL must contain
   `{worker}`, which stands for gw0, gw1 and so on: a database and a virtual host for each;
2. Docker with Compose (pytest-docker, `docker-compose.yml` in this folder), if an engine answers
   and has or can pull the images;
3. `mariadbd` or `mysqld`, `rabbitmq-server` on this machine;
else the tests that need them are skipped with the reason, or fail where REQUIRE_SERVICES=1.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import create_engine, text

from tests.support.servers.private import (
    RunningServer,
    mariadb_program,
    rabbitmq_program,
    start_mariadb,
    start_rabbitmq,
)

COMPOSE = Path(__file__).with_name("docker-compose.yml")


def is_required() -> bool:
    """Whether a service that is missing is a failure instead of a reason to skip."""
    return os.environ.get("REQUIRE_SERVICES") == "1"


def missing(what: str) -> NoReturn:
    """Skip the test and say why; fail where nothing may be missing."""
    if is_required():
        pytest.fail(f"REQUIRE_SERVICES=1, but {what}")
    pytest.skip(what)


def _given_url(variable: str) -> str:
    """Return the URL of this worker's server from the environment, or an empty string."""
    given = os.environ.get(variable, "")
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if given and worker and "{worker}" not in given:
        pytest.exit(f"{variable} must contain {{worker}} if tests run in several workers", 1)
    return given.replace("{worker}", worker or "gw0")


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    """Where pytest-docker finds the servers."""
    return str(COMPOSE)


@pytest.fixture(scope="session")
def docker_servers(request: pytest.FixtureRequest) -> Any:
    """pytest-docker's services, or None where they cannot be had."""
    if not shutil.which("docker") or not _docker_has_images():
        return None
    return request.getfixturevalue("docker_services")


def _docker_has_images() -> bool:
    compose = ["docker", "compose", "-f", str(COMPOSE)]
    for command in (["docker", "info"], [*compose, "pull", "-q", "--policy", "missing"]):
        try:
            if subprocess.run(command, capture_output=True, timeout=300).returncode:
                return False
        except subprocess.TimeoutExpired:
            return False
    return True


def _in_docker(
    servers: Any, service: str, port: int, url: str, ready: Callable[[str], bool]
) -> str:
    address = url.format(port=servers.port_for(service, port))
    servers.wait_until_responsive(timeout=120, pause=1, check=lambda: ready(address))
    return address


@pytest.fixture(scope="session")
def database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A MariaDB or MySQL database for the tests, empty at first."""
    if given := _given_url("TEST_DATABASE_URL"):
        yield given
    elif docker_servers := request.getfixturevalue("docker_servers"):
        url = "mysql+pymysql://root:afterimage@127.0.0.1:{port}/afterimage"
        yield _in_docker(docker_servers, "mysql", 3306, url, _database_answers)
    elif mariadb_program():
        with start_mariadb(tmp_path_factory.mktemp("mariadb"), durable=False) as server:
            yield server.url
    else:
        missing("there is no MariaDB or MySQL: no TEST_DATABASE_URL, no Docker, no mariadbd")


@pytest.fixture(scope="session")
def broker_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A RabbitMQ for the tests."""
    if given := _given_url("TEST_BROKER_URL"):
        yield given
    elif docker_servers := request.getfixturevalue("docker_servers"):
        url = "amqp://guest:guest@127.0.0.1:{port}/%2F"
        yield _in_docker(docker_servers, "rabbitmq", 5672, url, _broker_answers)
    elif rabbitmq_program():
        with start_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
            yield server.url
    else:
        missing("there is no RabbitMQ: no TEST_BROKER_URL, no Docker, no rabbitmq-server")


@pytest.fixture
def own_mariadb(tmp_path: Path) -> Iterator[RunningServer]:
    """A database server of the test's own, to be killed."""
    if not mariadb_program():
        missing("there is no mariadbd here to be killed")
    with start_mariadb(tmp_path / "mariadb") as server:
        yield server


@pytest.fixture
def own_rabbitmq(tmp_path: Path) -> Iterator[RunningServer]:
    """A broker of the test's own, to be killed."""
    if not rabbitmq_program():
        missing("there is no rabbitmq-server here to be killed")
    with start_rabbitmq(tmp_path / "rabbitmq") as server:
        yield server


def _database_answers(url: str) -> bool:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return False  # whatever it is: not yet
    finally:
        engine.dispose()
    return True


def _broker_answers(url: str) -> bool:
    from common.broker import open_broker

    broker = open_broker(url)
    try:
        broker.ensure(["afterimage.test"])
    except Exception:
        return False
    finally:
        broker.close()
    return True
