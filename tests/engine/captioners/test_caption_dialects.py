"""Servers that speak the captioner's protocol in their own way, through the real client."""

from pathlib import Path

import pytest
from prometheus_client import generate_latest

from common.tables import State
from tests.engine.captioners.captioning import captioning
from tests.support.http.scraping import Scrape
from tests.support.servers import openai as server
from tests.support.servers.openai import Provider

pytestmark = pytest.mark.slow

PRICE = {"CAPTION_PRICE": "0.15,0.60"}
REFUSED_NAMES = {
    "unsupported_parameter": (
        400,
        {"error": {"message": "?", "code": "unsupported_parameter", "param": "max_tokens"}},
    ),
    "without a code": (
        400,
        {"error": {"message": "Unrecognized request argument supplied: max_tokens", "code": None}},
    ),
    "pydantic": (422, {"detail": [{"loc": ["body", "max_tokens"], "type": "extra_forbidden"}]}),
}


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_server_that_refuses_the_limits_name_gets_the_other(
    name: str, provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    code, about = REFUSED_NAMES[name]
    provider.faults = [server.status(code, about)]
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        rows = [service.finished(service.ask(cat))[0] for _ in range(2)]
    assert {(row.state, row.attempts) for row in rows} == {(State.SUCCEEDED, 1)}
    bounds = [asked.keys() - {"model", "messages"} for asked in provider.asked]
    new = {"max_completion_tokens"}
    assert bounds == [{"max_tokens"}, new, new]


def test_a_server_that_took_the_new_name_may_want_the_old_one_again(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    old, new = ({"error": {"message": f"unknown: {name}"}} for name in
                ("max_tokens", "max_completion_tokens"))  # fmt: skip
    provider.faults = [server.status(400, old), server.says("A cat."), server.status(400, new)]
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        rows = [service.finished(service.ask(cat))[0] for _ in range(2)]
    assert [row.state for row in rows] == [State.SUCCEEDED] * 2
    assert len(provider.asked) == 4


def test_an_error_with_status_200_is_not_asked_again(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.always = server.body(b'{"error": {"message": "images are not supported"}}')
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        [row] = service.finished(service.ask(cat))
    assert (row.state, row.error_code, row.attempts) == (State.FAILED, "captioner_refused", 1)
    assert len(provider.asked) == 1


def test_a_model_cut_off_while_it_reasons_gets_a_higher_limit(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.faults = [server.cut_off] * 2
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url, **PRICE) as service:
        rows = [service.finished(service.ask(cat))[0] for _ in range(2)]
    assert [row.state for row in rows] == [State.SUCCEEDED] * 2
    assert [asked["max_tokens"] for asked in provider.asked] == [120, 1_000, 4_000, 4_000]
    used = [row.result["tokens"] for row in rows if row.result]
    assert used == [{"prompt": 3_000, "completion": 60}, {"prompt": 1_000, "completion": 20}]


def test_a_model_that_reasons_without_end_fails_once(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.always = server.cut_off
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url, **PRICE) as service:
        [row] = service.finished(service.ask(cat))
        counted = Scrape(generate_latest(service.services.metrics.registry).decode())
    used = counted.value("caption_tokens_total", model="sees-everything", kind="prompt")
    assert used == 3_000, "the provider is paid for them"
    assert (row.state, row.error_code) == (State.FAILED, "captioner_answer_cut_off")
    assert len(provider.asked) == 3
