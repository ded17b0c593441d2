"""What captions may cost in a month, over all engines."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from common.database.ids import new_id
from common.database.session import Sessions, now, read
from common.tables import State
from engine.captioners.budget import Budget, Price, spent_by_caller, spent_this_month
from engine.captioners.errors import BudgetExceeded, Tokens
from tests.engine.captioners.captioning import captioning
from tests.support.images.pictures import encode, picture
from tests.support.rows.prediction_steps import rewrite
from tests.support.servers import openai as server
from tests.support.servers.openai import Provider

PHOTO = encode(picture(), "JPEG")
TaskRequest = Callable[..., list[UUID]]


def test_prices_are_per_million() -> None:
    assert Price(0.15, 0.60).of(Tokens(1000, 20)) == pytest.approx(0.000162)


def test_the_rows_of_this_month_are_the_account(sessions: Sessions, ask: TaskRequest) -> None:
    assert read(sessions, spent_this_month) == 0
    ids = ask(8)
    at = read(sessions, lambda session: session.scalar(now()))
    assert at is not None
    last_month = at.replace(day=1) - timedelta(days=1)
    paid = {"task": "caption", "state": State.SUCCEEDED, "started_at": at}
    cost = {"text": "x", "cost_usd": 0.25}
    rows: list[dict[str, Any]] = [
        {"result": cost},
        {"result": {"text": "y", "cost_usd": 1e-06}},
        {"result": {"text": "free", "source": "labels"}},
        {"result": {"text": "unknown", "cost_usd": None}},
        {"result": cost, "cached": True},
        {"result": cost, "started_at": last_month},
        {"result": cost, "task": "classify"},
        {"result": cost, "interactive": True},
    ]
    for id, values in zip(ids, rows, strict=True):
        rewrite(sessions, [id], **(paid | values))
    assert read(sessions, spent_this_month) == pytest.approx(0.500001)


def test_what_others_and_we_have_spent_is_one_account(sessions: Sessions, ask: TaskRequest) -> None:
    [id] = ask(1)
    at = read(sessions, lambda session: session.scalar(now()))
    rewrite(
        sessions, [id], task="caption", state=State.SUCCEEDED, started_at=at,
        result={"cost_usd": 0.5},
    )  # fmt: skip
    budget = Budget(1.0, sessions)
    budget.check()
    budget.add(None)
    budget.add(0.25)
    budget.check()
    budget.add(0.25)
    with pytest.raises(BudgetExceeded, match="1 US dollars"):
        budget.check()
    with pytest.raises(BudgetExceeded):
        Budget(0, sessions).check()


@pytest.mark.parametrize("fallback", ["none", "labels"])
def test_over_the_budget_nobody_calls(
    fallback: str, provider: Provider, tmp_path: Path, model_dir: Path
) -> None:
    environ = {
        "CAPTIONER_URL": provider.url,
        "CAPTION_PRICE": "1000,1000",
        "CAPTION_BUDGET_USD": "1.5",
        "CAPTION_FALLBACK": fallback,
    }
    with captioning(tmp_path, model_dir, **environ) as service:
        first, second, third = (service.finished(service.ask(PHOTO))[0] for _ in range(3))
    for paid in (first, second):
        assert paid.result is not None and paid.result["cost_usd"] == pytest.approx(1.02)
    assert len(provider.asked) == 2, "the second call was within, the third was not"
    if fallback == "none":
        assert (third.state, third.error_code) == (State.FAILED, "caption_budget_exceeded")
    else:
        assert third.result is not None and third.result["source"] == "labels"
    # Another engine on the same rows knows it at once.
    with captioning(tmp_path, model_dir, **environ) as service:
        service.finished(service.ask(PHOTO))
    assert len(provider.asked) == 2


def test_a_caption_without_a_price_costs_nobody_knows_what(
    provider: Provider, tmp_path: Path, model_dir: Path
) -> None:
    provider.faults = [server.body(b'{"choices": [{"message": {"content": "A cat."}}]}')]
    with captioning(tmp_path, model_dir, CAPTIONER_URL=provider.url) as service:
        silent, counted = (service.finished(service.ask(PHOTO))[0] for _ in range(2))
    assert silent.result is not None and counted.result is not None
    assert (silent.result["tokens"], silent.result["cost_usd"]) == (None, None)
    assert counted.result["tokens"] == {"prompt": 1000, "completion": 20}
    assert counted.result["cost_usd"] is None


def test_one_caller_cannot_use_up_the_budget_of_all(sessions: Sessions) -> None:
    anna, ben, carl = new_id(), new_id(), None
    budget = Budget(100.0, sessions, share=0.75)
    for caller, own in ((anna, 75.0), (ben, 18.75), (carl, 4.6875)):
        budget.check(caller)
        budget.add(own, caller)
        with pytest.raises(BudgetExceeded, match="share"):
            budget.check(caller)
    budget.check(new_id())
    budget.add(100.0, new_id())
    with pytest.raises(BudgetExceeded, match="100 US dollars, is used up"):
        budget.check(new_id())


def test_what_a_caller_has_spent_is_read_from_the_rows(
    sessions: Sessions, ask: TaskRequest
) -> None:
    anna = new_id()
    at = read(sessions, lambda session: session.scalar(now()))
    for id, owner in zip(ask(3), (anna, anna, None), strict=True):
        rewrite(
            sessions, [id], task="caption", state=State.SUCCEEDED, started_at=at, owner_id=owner,
            result={"cost_usd": 0.5},
        )  # fmt: skip
    assert read(sessions, spent_by_caller) == {anna: 1.0, None: 0.5}
    budget = Budget(1.8, sessions, share=0.75)
    with pytest.raises(BudgetExceeded, match="75% of what others have left"):
        budget.check(anna)
    budget.check(new_id())
    Budget(1.8, sessions).check(anna)
