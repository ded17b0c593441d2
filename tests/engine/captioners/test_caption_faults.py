"""Failures of a captioning provider (F7 of docs/fault-model.md), with a real client and engine."""

import time
from pathlib import Path

import pytest

from common.database.session import now, read
from common.predictions.constants import MOST_FAILURES
from common.tables import State
from engine.captioners.replies import LONGEST_TEXT
from tests.engine.captioners.captioning import captioning
from tests.support.servers import openai as server
from tests.support.servers.openai import Fault, Provider

pytestmark = pytest.mark.slow

PRICE = {"CAPTION_PRICE": "0.15,0.60"}
PASSING: dict[str, tuple[Fault, str]] = {
    "429": (server.status(429, server.TOO_MANY, Retry_After="1"), "captioner_busy"),
    "500": (server.status(500, {"error": "x"}), "captioner_failed"),
    "503": (server.status(503), "captioner_failed"),
    "301": (server.status(301, Location="http://127.0.0.1:1/"), "captioner_failed"),
    "hangs": (server.hangs, "captioner_timeout"),
    "drips": (server.drips, "captioner_timeout"),
    "resets": (server.resets, "captioner_unreachable"),
    "breaks off": (server.breaks_off, "captioner_unreachable"),
    "no JSON": (server.body(b"<html>"), "captioner_answer_unusable"),
    "deep JSON": (server.body(b"[" * 200_000), "captioner_answer_unusable"),
    "not an object": (server.body(b"[]"), "captioner_answer_unusable"),
    "no choice": (server.body(b'{"choices": []}'), "captioner_answer_unusable"),
    "empty choice": (server.says(""), "captioner_answer_unusable"),
    "no text": (server.says(None), "captioner_answer_unusable"),
    "endless": (server.body(b" " * (9 << 20)), "captioner_unreachable"),
}
REFUSALS: dict[str, tuple[Fault, str]] = {
    "insufficient_quota": (server.status(429, server.NO_MONEY), "captioner_quota_exhausted"),
    "401": (server.status(401, server.BAD_KEY), "captioner_unauthorized"),
    "403": (server.status(403), "captioner_unauthorized"),
    "404": (server.status(404), "captioner_refused"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_again(
    name: str, provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    fault, code = PASSING[name]
    provider.faults = [fault]
    url = {"CAPTIONER_URL": provider.url, "CAPTION_TIMEOUT": "2"}
    with captioning(tmp_path, model_dir, **url, **PRICE) as service:
        [id] = service.ask(cat)
        tried = service.until(id, lambda row: row.failures > 0)
        assert (tried.state, tried.failures, tried.error_code) == (State.QUEUED, 1, code)
        [row] = service.finished([id])
    assert (row.state, row.attempts, len(provider.asked)) == (State.SUCCEEDED, 2, 2)
    assert row.result == {
        "text": server.CAPTION,
        "source": "openai",
        "model": "sees-everything",
        "tokens": {"prompt": 1000, "completion": 20},
        "cost_usd": pytest.approx(1000 * 0.15e-6 + 20 * 0.60e-6),
    }
    assert row.model and row.model["name"] == "sees-everything"


def test_tries_are_bounded(provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path) -> None:
    provider.always = server.status(500)
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        [row] = service.finished(service.ask(cat))
    assert (row.state, row.failures, row.error_code) == (
        State.FAILED, MOST_FAILURES, "captioner_failed",
    )  # fmt: skip
    assert len(provider.asked) == MOST_FAILURES


def test_who_is_asked_to_come_later_does(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.faults = [server.status(429, server.TOO_MANY, Retry_After="300")]
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        [first] = service.ask(cat)
        row = service.until(first, lambda row: row.failures > 0)
        at = read(service.services.sessions, lambda session: session.scalar(now()))
        assert at and row.next_attempt_at
        assert 240 < (row.next_attempt_at - at).total_seconds() < 330
        # Neither do the others call meanwhile, and that is no failure of theirs.
        [second] = service.ask(cat)
        row = service.until(second, lambda row: row.next_attempt_at is not None)
        assert (row.state, row.failures, row.error_code) == (State.QUEUED, 0, "captioner_busy")
        assert row.next_attempt_at is not None
        assert 200 < (row.next_attempt_at - at).total_seconds() < 360
        assert len(provider.asked) == 1


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_final_and_nobody_calls_for_a_while(
    name: str, provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    fault, code = REFUSALS[name]
    provider.always = fault
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        [first] = service.finished(service.ask(cat))
        assert (first.state, first.error_code, first.attempts) == (State.FAILED, code, 1)
        assert first.error_detail and server.KEY not in first.error_detail
        rows = service.finished(service.ask(cat, 10))
        assert {(row.state, row.error_code, row.attempts) for row in rows} == {
            (State.FAILED, code, 1)
        }
    assert len(provider.asked) == 1


def test_after_a_while_it_is_asked_again(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.faults = [server.status(401, server.BAD_KEY)]
    url = {"CAPTIONER_URL": provider.url, "CAPTION_BREAKER_SECONDS": "0.5"}
    with captioning(tmp_path, model_dir, **url) as service:
        [first] = service.finished(service.ask(cat))
        time.sleep(0.6)
        [second] = service.finished(service.ask(cat))
    assert (first.state, second.state) == (State.FAILED, State.SUCCEEDED)
    assert len(provider.asked) == 2


def test_labels_stand_in_when_that_is_wanted(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.always = server.status(401, server.BAD_KEY)
    url = {"CAPTIONER_URL": provider.url, "CAPTION_FALLBACK": "labels"}
    with captioning(tmp_path, model_dir, **url) as service:
        rows = service.finished(service.ask(cat, 5))
    for row in rows:
        assert row.state == State.SUCCEEDED
        assert row.result is not None and row.result["source"] == "labels"
        assert "Egyptian cat" in row.result["text"]
        assert row.model is not None and row.model["runtime"] == "litert", "who wrote it"


def test_one_declined_image_stops_nobody(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    bad = {"error": {"message": "?", "code": "content_policy_violation"}}
    provider.faults = [server.status(400, bad), server.says(None, refusal="I will not")]
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        rows = [service.finished(service.ask(cat))[0] for _ in range(3)]
    assert [(row.state, row.error_code) for row in rows] == [
        (State.FAILED, "caption_declined"),
        (State.FAILED, "caption_declined"),
        (State.SUCCEEDED, None),
    ]
    assert "content_policy_violation" in (rows[0].error_detail or "")


def test_a_megabyte_of_text_is_cut(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.faults = [server.says("word \ud800\x00\n" * 120_000)]
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        [row] = service.finished(service.ask(cat))
    assert row.state == State.SUCCEEDED
    assert row.result is not None
    text = row.result["text"]
    assert LONGEST_TEXT // 2 < len(text) <= LONGEST_TEXT
    assert text.startswith("word word") and text.endswith("word…")


def test_a_provider_that_hangs_holds_up_neither_labels_nor_the_end(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.always = server.hangs
    url = {"CAPTIONER_URL": provider.url, "CAPTION_TIMEOUT": "40", "CAPTION_WORKERS": "4"}
    with captioning(tmp_path, model_dir, "classify", "caption", **url) as service:
        captions = service.ask(cat, 8)
        _until_asked(provider, 4)
        labels = service.finished(service.ask(cat, 40, "classify"))
        assert {row.state for row in labels} == {State.SUCCEEDED}
        held = [service.row(id) for id in captions]
        assert sum(row.state == State.PROCESSING for row in held) == 4
        start = time.monotonic()
        service.engine.stop()
        assert time.monotonic() - start < 20
        rows = [service.row(id) for id in captions]
    assert len(provider.asked) == 4
    assert {row.state for row in rows} == {State.QUEUED}, "given back, not left to the lease"
    assert {(row.failures, row.lost_claims) for row in rows} == {(0, 0)}


def test_many_are_asked_for_at_once(
    provider: Provider, cat: bytes, tmp_path: Path, model_dir: Path
) -> None:
    provider.faults = [server.hangs] * 3
    url = {"CAPTIONER_URL": provider.url, "CAPTION_WORKERS": "4", "CAPTION_TIMEOUT": "40"}
    with captioning(tmp_path, model_dir, **url) as service:
        slow = service.ask(cat, 3)
        _until_asked(provider, 3)
        rows = service.finished(service.ask(cat, 5))
        assert {row.state for row in rows} == {State.SUCCEEDED}
        assert {service.row(id).state for id in slow} == {State.PROCESSING}
        provider.released.set()


def _until_asked(provider: Provider, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(provider.asked) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
