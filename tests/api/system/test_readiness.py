"""/readyz: cheap for any number of callers, true about what it claims, silent to strangers."""

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from api.system.readiness import KEPT, OK, PATIENCE, Check
from common.errors import Unavailable
from tests.support.checkout import CHECKOUT
from tests.support.http.accounts import make_admin, sign_up
from tests.support.http.calls import forms, get, post, until
from tests.support.images.pictures import encode, picture
from tests.support.rows.databases import opened
from tests.support.servers.private import RunningServer
from tests.support.services.idle_api import only_api
from tests.support.services.served import emptied, served

pytestmark = pytest.mark.slow

PHOTO = encode(picture(), "JPEG")
MANY = 40
SOON = 20  # seconds


class Dependency:
    """Counts how often it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def __call__(self) -> str:
        self.asked += 1
        self.may_answer.wait(30)
        return f"answer {self.asked}"


def test_callers_at_once_share_a_question_and_later_ones_its_answer() -> None:
    dependency = Dependency()
    check = Check("it", dependency)
    with ThreadPoolExecutor(MANY) as threads:
        answers = [threads.submit(check.answer) for _ in range(MANY)]
        until(lambda: dependency.asked, 5, "asked")
        dependency.may_answer.set()
        assert {each.result().value for each in answers} == {"answer 1"}
    assert check.answer().value == "answer 1"
    time.sleep(KEPT + 0.1)
    assert check.answer().value == "answer 2"


def test_nobody_waits_long_for_a_dependency_that_hangs() -> None:
    dependency = Dependency()
    check = Check("it", dependency)
    began = time.monotonic()
    assert check.answer().problem == "no answer within 3 s"
    assert time.monotonic() - began < PATIENCE + 2
    began = time.monotonic()
    assert check.answer().problem != OK
    assert time.monotonic() - began < 1, "the question is known to hang"
    assert dependency.asked == 1
    dependency.may_answer.set()
    until(lambda: check.answer().problem == OK, SOON, "found again")


def test_an_error_of_any_kind_is_a_problem_and_no_5xx() -> None:
    def fail(error: Exception) -> Any:
        raise error

    said = Check("a", lambda: fail(Unavailable("It is away."))).answer().problem
    assert said == "It is away."
    assert "unexpected" in Check("b", lambda: fail(MemoryError())).answer().problem


def checks(url: str, **headers: str) -> dict[str, str] | None:
    found: dict[str, str] | None = (
        get(f"{url}/readyz?for=uploads", headers=headers).json().get("checks")
    )
    return found


def test_only_callers_from_inside_see_what_is_missing(tmp_path: Path) -> None:
    with only_api(tmp_path, TRUSTED_PROXIES="1") as api:
        for address in ("203.0.113.9", "[2001:db8::1]:4711", "unknown", "192.168.0.1, 8.8.8.8"):
            answer = get(f"{api.base_url}/readyz?for=uploads", headers={"X-Forwarded-For": address})
            assert answer.json() == {"status": "ready"}, address
        for address in ("10.1.2.3", "8.8.8.8, 172.16.0.9:80", "::1", "fd00::1", "::ffff:10.0.0.1"):
            assert checks(api.base_url, **{"X-Forwarded-For": address}), address
        assert checks(api.base_url), "the container's own health check"


def test_a_proxy_that_is_not_trusted_makes_nobody_an_insider(tmp_path: Path) -> None:
    with only_api(tmp_path) as api:
        url = api.base_url
        assert checks(url)
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            assert checks(url, **{name: "10.0.0.1"}) is None
        admin = sign_up(url)
        with opened(f"sqlite:///{tmp_path}/afterimage.db") as sessions:
            make_admin(sessions, admin)
        assert checks(url, **{"X-Forwarded-For": "8.8.8.8"}, **admin.headers), "admins see all"


def test_a_database_that_takes_no_writes_is_not_ready_for_uploads(tmp_path: Path) -> None:
    with only_api(tmp_path) as api:
        assert get(f"{api.base_url}/readyz?for=uploads").status_code == 200
        other = sqlite3.connect(tmp_path / "afterimage.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(KEPT + 0.1)
        answer = get(f"{api.base_url}/readyz?for=uploads")
        assert (answer.status_code, answer.json()["checks"]["storage"]) == (503, "ok")
        assert answer.json()["checks"]["database"] != "ok"
        assert get(f"{api.base_url}/v1/posts").status_code == 200, "reads go on"
        other.execute("ROLLBACK")
        other.close()
        until(lambda: get(f"{api.base_url}/readyz?for=uploads").ok, SOON, "ready again")


def test_a_store_that_takes_no_bytes_is_not_ready_for_uploads(tmp_path: Path) -> None:
    """Files may not grow over 64 KiB there; empty ones can be made as on a full disk."""
    program = (
        "import resource; from common.storage import open_storage, StorageUnavailable\n"
        f"storage = open_storage('file://{tmp_path}')\n"
        "storage.ensure()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try: storage.ensure()\n"
        "except StorageUnavailable as error: print(error.detail)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert "did not take .probe" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []


def broker_connections(pid: int, port: int) -> int:
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    found = [one for each in family for one in each.net_connections() if one.raddr]
    return sum(one.raddr.port == port for one in found)


def test_readiness_passes_a_message_through_the_broker_without_connecting(
    database_url: str, own_rabbitmq: RunningServer, tmp_path: Path
) -> None:
    emptied(database_url, tmp_path)
    storage, broker = f"file://{tmp_path}/objects", own_rabbitmq.url
    with served(tmp_path, database_url, broker, storage, engine=False) as stack:
        url = stack.base_url
        until(lambda: broker_check(url) == OK, SOON, "the broker")
        before = broker_connections(stack.api.pid, own_rabbitmq.port)
        for _ in range(5):
            assert broker_check(url) == OK
            assert broker_connections(stack.api.pid, own_rabbitmq.port) <= before
            time.sleep(KEPT / 2)
        own_rabbitmq.freeze()
        try:
            check_frozen(url)
        finally:
            own_rabbitmq.thaw()
        until(lambda: broker_check(url) == OK, 60, "the broker again")


def broker_check(url: str) -> str:
    return str(get(f"{url}/readyz").json()["checks"]["broker"])


def check_frozen(url: str) -> None:
    """Its connections stay open and nothing comes through."""
    time.sleep(KEPT)
    with ThreadPoolExecutor(MANY) as threads:
        asked = [threads.submit(timed, f"{url}/readyz") for _ in range(MANY)]
        assert post(f"{url}/v1/images", **forms(PHOTO)["raw"]).status_code == 201
        for each in asked:
            answer, seconds = each.result()
            assert (answer.status_code, seconds < 10) == (503, True)
            assert "broker" in answer.json()["checks"]["broker"]


def timed(url: str) -> tuple[requests.Response, float]:
    began = time.monotonic()
    answer = requests.get(url, timeout=30)
    return answer, time.monotonic() - began


@pytest.mark.parametrize("wanted", ["", "?for=uploads", "?for=classify"])
def test_the_answer_is_the_same_for_all_forms(wanted: str, tmp_path: Path) -> None:
    with only_api(tmp_path) as api:
        answer = get(f"{api.base_url}/readyz{wanted}")
        assert answer.status_code == (200 if wanted == "?for=uploads" else 503)
        assert answer.json()["status"] == ("ready" if answer.ok else "not ready")
