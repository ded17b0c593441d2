"""The object store down, slow, silent, and cutting reads short (F6 of docs/fault-model.md)."""

import time
from collections.abc import Iterator

import pytest
import requests

from tests.faults.clients import Clients, base_picture, stamped
from tests.faults.ledger import check
from tests.faults.proxy import Fault, Proxy
from tests.faults.stack import FaultStack, Servers, fault_stack
from tests.support.http.calls import until
from tests.support.servers.s3 import new_bucket, s3_storage_url

REFUSED_WITHIN = 3.0


@pytest.fixture(scope="module")
def proxy(s3_server: str) -> Iterator[Proxy]:
    with Proxy(int(s3_server.rpartition(":")[2])) as found:
        yield found


@pytest.fixture(scope="module")
def stack(
    servers: Servers,
    models: str,
    proxy: Proxy,
    s3_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FaultStack]:
    """The store is S3, and the proxy stands before it."""
    folder = tmp_path_factory.mktemp("store")
    storage = s3_storage_url(f"http://127.0.0.1:{proxy.port}", new_bucket(s3_server))
    settings = {"MODEL_DIR": models, "BROKER_URL": servers.broker.url, "STORAGE_URL": storage}
    with fault_stack(folder, servers.database, settings, apis=1) as found:
        yield found


@pytest.mark.parametrize("how", ["away", "mute", "reset"])
def test_an_upload_is_503_in_time_while_the_store_is_sick(
    stack: FaultStack, proxy: Proxy, how: str
) -> None:
    sick = {"mute": Fault(mute=True), "reset": Fault(reset_after=0)}
    with proxy.away() if how == "away" else proxy.failing(sick[how]):
        for number in range(2):
            start = time.monotonic()
            answer = requests.post(
                f"{stack.urls[0]}/v1/predictions?task=classify",
                data=stamped(base_picture(2), f"{how} {number}".encode()),
                headers={"Content-Type": "image/jpeg"},
                timeout=60,
            )
            assert time.monotonic() - start < REFUSED_WITHIN
            assert answer.status_code == 503, answer.text
            assert answer.json()["code"] == "storage_unavailable"
            assert int(answer.headers["Retry-After"]) >= 1
    check_uploads(stack, f"after {how}")


def check_uploads(stack: FaultStack, name: str) -> None:
    with Clients(stack.urls, name, count=2) as clients:
        clients.send(4)
    ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger


def test_a_slow_store_is_only_slow(stack: FaultStack, proxy: Proxy) -> None:
    with proxy.failing(Fault(latency=0.2)):
        check_uploads(stack, "slow")


@pytest.mark.parametrize("fault", [Fault(cut_after=2000), Fault(reset_after=2000)], ids=str)
def test_no_answer_is_made_of_half_a_file(stack: FaultStack, proxy: Proxy, fault: Fault) -> None:
    stack.stop_engines()
    with Clients(stack.urls, f"cut {fault}", count=1) as clients:
        clients.send(3)
    before = proxy.touched
    with proxy.failing(fault):
        stack.start_engine(0)
        until(lambda: proxy.touched >= before + 3, 30, "three answers cut short")
    ledger = check(stack, clients.uploads, within=60)
    assert ledger.is_clean, ledger
    assert all(row["attempts"] >= 2 for row in ledger.rows.values()), "a cut read is tried again"
