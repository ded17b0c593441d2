"""/metrics of the running service tells what has happened in it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.http.batches import PNG, item, send, stored
from tests.support.http.calls import get, post, until
from tests.support.http.scraping import Scrape, scrape
from tests.support.images.pictures import encode, picture
from tests.support.services.idle_api import only_api
from tests.support.services.processes import Running, standalone

pytestmark = pytest.mark.slow

PHOTO = encode(picture(), "JPEG")
UNDECODABLE = PNG[:60] + bytes(40) + PNG[100:]
SOON = 10  # seconds


@pytest.fixture(scope="module")
def service(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("measured")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        yield running


@pytest.fixture
def url(service: Running) -> str:
    return service.base_url


def ask(url: str, photo: bytes = PHOTO, task: str = "classify", query: str = "") -> Any:
    files = {"file": ("a.jpg", photo)}
    address = f"{url}/v1/predictions?fresh=true{query}"
    return requests.post(address, data={"task": task}, files=files, timeout=60)


def grown(before: Scrape, url: str, name: str, **labels: str) -> Callable[[], float]:
    """By how much a counter grew; the engine counts after it has answered."""
    return lambda: scrape(url).value(name, **labels) - before.value(name, **labels)


def test_a_prediction_is_counted_from_its_request_to_its_result(url: str) -> None:
    before = scrape(url)
    assert ask(url, query="&wait=30").status_code == 200
    classify = {"task": "classify"}
    until(grown(before, url, "predictions_succeeded_total", **classify), SOON, "no result")
    after = scrape(url)

    def growth(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    route = {"method": "POST", "route": "/v1/predictions"}
    assert growth("http_requests_total", status="200", **route) == 1
    assert growth("http_request_seconds_count", waited="yes", **route) == 1
    assert growth("uploads_accepted_total") == 1
    assert growth("predictions_accepted_total", answer="queued", **classify) == 1
    assert growth("queue_seconds_count", **classify) == 1
    assert growth("batch_predictions_sum", **classify) == 1
    for phase in ("fetch", "decode", "predict", "write"):
        assert growth("phase_seconds_count", phase=phase, **classify) == 1
    model = {"model": "mobilenet_v2_1.0_224", "version": "tf2-ptq"}
    assert growth("model_seconds_count", **classify, **model) == 1
    assert 0 < growth("model_seconds_sum", **classify, **model) < 5
    assert growth("predictions_failed_total") == growth("retries_total") == 0


def test_a_known_result_is_no_work(url: str) -> None:
    ask(url, query="&wait=30")
    before = scrape(url)
    again = post(f"{url}/v1/predictions", data={"task": "classify"}, files={"file": PHOTO})
    assert again.json()["cached"] is True
    assert grown(before, url, "predictions_accepted_total", answer="known")() == 1
    assert grown(before, url, "batch_predictions_count")() == 0


def test_a_batch_counts_each_of_its_predictions(url: str) -> None:
    image = stored(url)
    before = scrape(url)
    send(url, [item(image, str(number), task="embed") for number in range(3)])
    assert grown(before, url, "predictions_accepted_total", task="embed")() == 3
    embedded = grown(before, url, "predictions_succeeded_total", task="embed")
    until(lambda: embedded() == 3, SOON, "three results")


def test_failures_are_counted_by_code(url: str) -> None:
    before = scrape(url)
    id = ask(url, photo=UNDECODABLE).json()["id"]
    until(lambda: get(f"{url}/v1/predictions/{id}").json()["error"], SOON, "no failure")
    failed = grown(before, url, "predictions_failed_total", code="image_undecodable")
    until(lambda: failed() == 1, SOON, "not counted")


def test_paths_that_are_no_routes_share_a_name(url: str) -> None:
    before = scrape(url)
    for path in ("/wp-login.php", "/v1/nothing", "/%F0%9F%98%80"):
        assert get(f"{url}{path}").status_code == 404
    assert requests.request("BREW", f"{url}/v1/images", timeout=10).status_code == 405
    assert grown(before, url, "http_requests_total", route="none", status="404")() == 3
    assert grown(before, url, "http_requests_total", method="other", status="405")() == 1
    assert not scrape(url).has("http_requests_total", method="BREW")


def test_what_stands_in_the_rows_is_measured(url: str, service: Running) -> None:
    seen = scrape(url)
    assert seen.value("database_up") == 1
    assert seen.value("engines_ready", task="classify") == 1
    assert seen.has("queue_predictions", task="outline", lane="interactive")
    assert seen.value("webhook_lag_seconds") == 0
    assert 0 < seen.value("disk_free_bytes") < seen.value("disk_size_bytes")
    assert seen.has("dead_letters")
    assert seen.value("process_resident_memory_bytes") > 1e7


def test_the_queue_is_measured_where_no_engine_is(tmp_path: Path) -> None:

    with only_api(tmp_path) as api:
        for _ in range(3):
            assert ask(api.base_url).status_code == 202
        measured = until(
            lambda: (seen := scrape(api.base_url)).value("queue_predictions") and seen, SOON, "-"
        )
        lane = {"task": "classify", "lane": "background"}
        assert measured.value("queue_predictions", **lane) == 3
        assert 0 < measured.value("queue_oldest_seconds", **lane) < 2 * SOON
        assert measured.value("engines_ready") == 0


def test_who_waits_and_who_may_not_is_counted(tmp_path: Path) -> None:
    with only_api(tmp_path, MAX_WAITING="1") as api:
        url = api.base_url
        waiting = threading.Thread(target=ask, args=(url, PHOTO, "classify", "&wait=5"))
        waiting.start()
        until(lambda: scrape(url).value("http_waiting_requests") == 1, SOON, "nobody waits")
        assert ask(url, query="&wait=5").status_code == 202
        assert scrape(url).value("http_waits_refused_total") == 1
        waiting.join()
        assert scrape(url).value("http_waiting_requests") == 0
        seconds = scrape(url).value("http_request_seconds_sum", waited="yes")
        assert 5 <= seconds < 7
