"""Fixtures of the tests of faults: servers of their own, to be killed, and the stack on them."""

from collections.abc import Iterator

import pytest

from tests.faults.stack import FaultStack, Servers, fault_stack
from tests.support.servers.backends import missing
from tests.support.servers.private import (
    mariadb_program,
    rabbitmq_program,
    start_mariadb,
    start_rabbitmq,
)
from tests.support.services.served import models as models


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """MariaDB and RabbitMQ; a test that breaks them starts them again."""
    if not (mariadb_program() and rabbitmq_program()):
        missing("there are no mariadbd and rabbitmq-server here to be killed")
    folder = tmp_path_factory.mktemp("faults")
    with start_mariadb(folder / "mariadb") as database, start_rabbitmq(folder / "rabbit") as broker:
        yield Servers(database, broker)


@pytest.fixture(scope="module")
def stack(
    servers: Servers, models: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultStack]:
    """Two APIs and one engine on the servers, with a folder for the objects."""
    folder = tmp_path_factory.mktemp("stack")
    settings = {"BROKER_URL": servers.broker.url, "STORAGE_URL": f"file://{folder}/objects"}
    settings |= {"MODEL_DIR": models}
    with fault_stack(folder, servers.database, settings) as found:
        yield found
