"""Many waiting requests of one caller: what others ask for is still answered."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from tests.support.http.calls import until
from tests.support.http.calls_in_process import photo
from tests.support.http.scraping import scrape
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.faults

GREEDY, OTHER = "203.0.113.7", "203.0.113.8"
FOR_EVER = "2999-01-01 00:00:00.000000"
SOON = 30.0


@pytest.fixture(scope="module")
def service(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("waiting")
    about = {"MODEL_MIRROR": "", "MODEL_DIR": models, "TRUSTED_PROXIES": "1"}
    with standalone(folder, **about) as running:
        yield running


@pytest.fixture(scope="module")
def unfinished(service: Running) -> str:
    return never_finishing(service)


def never_finishing(service: Running) -> str:
    """The address of a prediction that never finishes: another engine is said to hold it."""
    made = ask(service, "POST", "/v1/predictions?task=classify&wait=30", OTHER, photo())
    assert made.json()["status"] == "succeeded", made.text
    with closing(sqlite3.connect(database(service))) as connection, connection:
        connection.execute(
            "UPDATE predictions SET state = 'processing', lease_until = ?, check_at = ?, "
            "deadline_at = ?, finished_at = NULL",
            (FOR_EVER,) * 3,
        )
    return f"/v1/predictions/{made.json()['id']}"


def database(service: Running) -> Path:
    return next(service.log.parent.rglob("afterimage.db"))


def ask(
    service: Running, method: str, path: str, address: str, data: bytes | None = None
) -> requests.Response:
    headers = {"X-Forwarded-For": address, "Content-Type": "image/png"}
    return requests.request(method, service.base_url + path, data=data, headers=headers, timeout=60)


class Crowd:
    """Requests of one address that wait at the same time."""

    def __init__(self, service: Running, path: str, count: int):
        self.answers: list[requests.Response] = []
        self.threads = [
            threading.Thread(target=self._wait, args=(service, path)) for _ in range(count)
        ]
        for thread in self.threads:
            thread.start()

    def _wait(self, service: Running, path: str) -> None:
        self.answers.append(ask(service, "GET", path, GREEDY))

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


def waiting(service: Running) -> float:
    return scrape(service.base_url).value("http_waiting_requests")


def test_48_long_polls_of_one_address_keep_nobody_else_out(
    service: Running, unfinished: str
) -> None:
    crowd = Crowd(service, f"{unfinished}?wait=8", 48)
    until(lambda: len(crowd.answers) == 40, SOON, "most are answered at once")
    assert waiting(service) == 8
    assert {each.json()["status"] for each in crowd.answers} == {"processing"}
    assert all(each.status_code == 200 and each.headers["Retry-After"] for each in crowd.answers)
    try:
        found = ask(service, "GET", "/v1/search?query=cat", OTHER)
        assert found.status_code == 200, found.text
        image = ask(service, "POST", "/v1/images", OTHER, photo()).json()["id"]
        thumbnail = ask(service, "GET", f"/v1/images/{image}/thumbnail?size=256", OTHER)
        assert thumbnail.status_code == 200, thumbnail.text
        label = ask(service, "POST", "/v1/predictions?task=classify&wait=20", OTHER, photo())
        assert (label.status_code, label.json()["status"]) == (200, "succeeded")
        similar = ask(service, "GET", f"/v1/images/{image}/similar", OTHER)
        assert similar.status_code == 200, similar.text
        own = ask(service, "GET", f"/v1/search?query={uuid4().hex}", GREEDY)
        assert own.status_code == 200, "its own search does not count as one of its long polls"
        assert waiting(service) == 8, "all of this was done while they waited"
    finally:
        crowd.join()
    assert waiting(service) == 0


def test_a_search_that_may_not_wait_is_found_a_moment_later(models: str, tmp_path: Path) -> None:
    about = {"MODEL_MIRROR": "", "MODEL_DIR": models, "MAX_WAITING": "1"}
    with standalone(tmp_path, **about) as service:
        crowd = Crowd(service, f"{never_finishing(service)}?wait=20", 1)
        until(lambda: waiting(service) == 1, SOON, "it waits")
        first = ask(service, "GET", "/v1/search?query=cat", OTHER)
        assert (first.status_code, first.headers["Retry-After"]) == (202, "1"), first.text
        assert first.json()["items"] == []
        again = first.links["next"]["url"]
        page = until(
            lambda: (said := requests.get(again, timeout=30)).status_code == 200 and said.json(),
            SOON,
            "the search is done",
        )
        assert page["search_id"] == first.json()["search_id"]
        assert waiting(service) == 1, "the turn was taken all the while"
        crowd.join()
