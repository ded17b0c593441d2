"""The dead-letter command, as its user runs it, on a real broker and database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from common.broker import DEAD_LETTERS, Broker, Message, open_broker
from common.database.ids import new_id
from tests.support.brokers import forget_dead_letters
from tests.support.rows.databases import migrate

pytestmark = pytest.mark.slow


@pytest.fixture
def broker(broker_url: str) -> Iterator[Broker]:
    """With an empty dead-letter queue."""
    broker = open_broker(broker_url)
    forget_dead_letters(broker)
    yield broker
    broker.close()


def bury(broker: Broker, *bodies: bytes) -> None:
    publisher = broker.publisher()
    assert all(publisher.publish([Message(DEAD_LETTERS, body) for body in bodies]))
    publisher.close()


def dead_letters(broker_url: str, database: Path, *arguments: str) -> list[str]:
    env = os.environ | {
        "BROKER_URL": broker_url,
        "DATABASE_URL": f"sqlite:///{database}/test.db",
        "DATA_DIR": str(database),
    }
    command = [sys.executable, "-m", "engine.dead_letters", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line]


def test_they_are_shown_with_what_is_known_and_stay_until_purged(
    broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    migrate(f"sqlite:///{tmp_path}/test.db", tmp_path)
    unknown: UUID = new_id()
    bury(broker, b"hello", unknown.bytes)
    for arguments in ([], ["--purge"]):
        first, *letters = dead_letters(broker_url, tmp_path, *arguments)
        assert first == "2 dead letters", "showing them takes none away"
        assert sorted(line.split(maxsplit=2)[2] for line in letters) == [
            f"{unknown}  no such prediction",
            "not an id   b'hello'",
        ]
    assert dead_letters(broker_url, tmp_path) == ["0 dead letters"]


def test_a_broker_that_is_away_is_said_plainly(tmp_path: Path) -> None:
    env = os.environ | {"BROKER_URL": "amqp://127.0.0.1:9/", "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "engine.dead_letters"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "dead-letters: The message broker is not available" in done.stderr
