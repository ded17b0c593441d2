"""An error that nobody expects, in each thread of an engine: none of them is gone for good."""

import ctypes
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.announcer import Announcer
from common.database.ids import new_id
from common.services import Services, open_services
from common.settings import Settings
from engine.process import Engine
from tests.support.http.calls import until
from tests.support.rows.databases import migrate

TASKS = ["classify", "thumbnail"]
NAMES = ("announcer", "presence", "sweep", "chores", "deliverer", "classify-0", "thumbnail-0")
SOON = 30  # seconds


@pytest.fixture
def services(tmp_path: Path, models: str) -> Iterator[Services]:
    database = f"sqlite:///{tmp_path}/a.db"
    migrate(database, tmp_path)
    environ = {"DATA_DIR": str(tmp_path), "DATABASE_URL": database, "MODEL_DIR": models}
    with open_services(Settings.from_env(environ | {"ENGINE_WORKERS": "1"})) as found:
        yield found


@pytest.fixture
def engine(services: Services) -> Iterator[Engine]:
    engine = Engine(services, TASKS)
    engine.start()
    yield engine
    engine.stop()


def threads() -> dict[str, threading.Thread]:
    return {each.name: each for each in threading.enumerate() if each.name in NAMES}


def raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    """The error appears at the thread's next instruction, wherever that is."""
    assert thread.ident is not None
    set_error = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert set_error(ctypes.c_ulong(thread.ident), ctypes.py_object(error)) == 1


@pytest.mark.parametrize("error", [MemoryError, SystemExit], ids=lambda error: error.__name__)
def test_every_thread_of_an_engine_survives(engine: Engine, error: type[BaseException]) -> None:
    until(lambda: set(threads()) == set(NAMES), SOON, "all threads")
    until(lambda: engine.report()["classify"]["ready"], SOON, "the model")
    for thread in threads().values():
        raise_in(thread, error)
    time.sleep(6)  # the presence and the deliverer wake up every few seconds only
    assert set(threads()) == set(NAMES)


def test_the_announcer_survives_an_error_and_announces_the_next_row(services: Services) -> None:
    before = set(threading.enumerate())  # an engine of another test may still be ending
    announcer = Announcer(services.broker, services.sessions)
    [thread] = [each for each in threading.enumerate() if each not in before]
    raise_in(thread, SystemExit)
    queue = "afterimage.classify"
    announcer.announce(new_id(), "classify", False)  # meets the error, and may be lost

    def announced() -> bool:
        announcer.announce(new_id(), "classify", False)
        return services.broker.depths([queue])[queue] > 1

    until(announced, SOON, "announced")
    assert thread.is_alive()
    announcer.close()
    assert not thread.is_alive()
