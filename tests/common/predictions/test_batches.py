"""Batches as rows: entered, counted, paged, canceled, retried, on every database."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from common import batches
from common.batches import REJECTED, Item
from common.callers import ANONYMOUS
from common.database.ids import new_id
from common.database.session import Sessions, read, transact
from common.predictions import Failure, TaskRequest
from common.tables import BatchItem, Image, Prediction, State
from tests.support.rows.prediction_steps import rewrite, row, success, take, write

BAD = Item(custom_id="bad", task="dream", fault=("task_unknown", "There is no such task."))


def good(image: Image, custom_id: str) -> Item:
    ask = TaskRequest(task="classify", params={"top_k": 1}, deadline=900)
    return Item(custom_id=custom_id, task="classify", image_id=image.id, request=ask)


def enter(sessions: Sessions, items: Iterable[Item]) -> tuple[UUID, list[UUID]]:
    """The batch, and its predictions in the order of the items."""
    id, listed = new_id(), list(items)
    made = transact(sessions, lambda session: batches.insert_batch(session, id, ANONYMOUS, listed))
    assert {task for _, task in made} <= {"classify"}
    return id, [prediction for prediction, _ in made]


def counts(sessions: Sessions, id: UUID) -> dict[str, int]:
    """Without those that are 0."""
    found = read(sessions, lambda session: batches.count(session, id))
    assert list(found) == list(batches.STATUSES)
    return {status: count for status, count in found.items() if count}


def page(sessions: Sessions, id: UUID, after: int = -1, limit: int = 100, **query: Any) -> Any:
    return read(sessions, lambda session: batches.page(session, id, after, limit, **query))


def test_good_items_become_predictions_and_bad_ones_say_why(
    sessions: Sessions, image: Image
) -> None:
    foreign = Item(
        custom_id="x", task="classify", image_id=new_id(), request=good(image, "x").request
    )
    id, made = enter(sessions, [good(image, "é😀"), BAD, foreign, Item(fault=("invalid", "No."))])
    assert counts(sessions, id) == {"queued": 1, REJECTED: 3}
    first, second, third, fourth = page(sessions, id)
    assert (first.custom_id, first.status, first.prediction_id) == ("é😀", "queued", made[0])
    assert (second.status, second.error_code, second.task) == (REJECTED, "task_unknown", "dream")
    assert (third.error_code, third.prediction_id) == ("image_not_found", None)
    assert (fourth.custom_id, fourth.image_id, fourth.error_detail) == (None, None, "No.")
    prediction = row(sessions, made[0])
    assert (prediction.image_id, prediction.sha256) == (image.id, image.sha256)
    assert (prediction.interactive, prediction.params) == (False, {"top_k": 1})
    found = read(sessions, lambda session: batches.find(session, id))
    assert found
    assert found.total == 4


def test_a_batch_of_bad_items_alone_is_a_batch(sessions: Sessions) -> None:
    id, made = enter(sessions, [BAD] * 3)
    assert (made, counts(sessions, id)) == ([], {REJECTED: 3})
    assert transact(sessions, lambda session: batches.cancel(session, id)) == []
    transact(sessions, lambda session: batches.retry(session, []))
    assert counts(sessions, id) == {REJECTED: 3}


def test_a_thousand_items_are_all_there_or_none_is(sessions: Sessions, image: Image) -> None:
    items = [good(image, f"item {number}") for number in range(1000)]
    id, made = enter(sessions, items)
    assert counts(sessions, id) == {"queued": 1000}
    assert [item.prediction_id for item in page(sessions, id, limit=1000)] == made
    twice = [good(image, "new"), *items[:1]]
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        enter(sessions, twice)
    total = select(func.count()).select_from
    assert read(sessions, lambda session: session.scalar(total(Prediction))) == 1000
    assert read(sessions, lambda session: session.scalar(total(BatchItem))) == 1000


def test_the_counts_follow_the_predictions(sessions: Sessions, image: Image) -> None:
    id, made = enter(sessions, [good(image, str(number)) for number in range(6)])
    other, _ = enter(sessions, [good(image, "of another batch")])
    jobs = {job.id: job for job in take(sessions, made[:4]).jobs}
    write(sessions, success(jobs[made[0]]), Failure(jobs[made[1]], "image_undecodable", "Broken."))
    rewrite(sessions, [made[4]], state=State.EXPIRED)
    assert counts(sessions, id) == {
        "succeeded": 1, "failed": 1, "processing": 2, "expired": 1, "queued": 1,
    }  # fmt: skip
    assert counts(sessions, other) == {"queued": 1}
    [failed] = page(sessions, id, status="failed")
    assert (failed.position, failed.error_code) == (1, "image_undecodable")
    assert [item.position for item in page(sessions, id, status="processing")] == [2, 3]
    assert page(sessions, id, status="processing", after=2)[0].position == 3
    assert page(sessions, id, status=REJECTED) == []
    shown = read(sessions, lambda session: batches.results(session, id, -1, 2))
    assert (shown[0].result or {})["labels"] == ["é😀"]
    assert (shown[1].result, len(shown)) == (None, 2)


def test_pages_follow_each_other(sessions: Sessions, image: Image) -> None:
    id, made = enter(sessions, [good(image, str(number)) for number in range(5)])
    seen, after = [], -1
    while rows := page(sessions, id, after, limit=2):
        assert len(rows) <= 2
        seen += [item.prediction_id for item in rows]
        after = rows[-1].position
    assert seen == made


def test_cancel_takes_what_is_queued_and_notes_it_on_what_is_processed(
    sessions: Sessions, image: Image
) -> None:
    id, made = enter(sessions, [good(image, str(number)) for number in range(4)] + [BAD])
    other, _ = enter(sessions, [good(image, "of another batch")])
    jobs = {job.id: job for job in take(sessions, made[:2]).jobs}
    write(sessions, success(jobs[made[0]]))
    canceled = transact(sessions, lambda session: batches.cancel(session, id))
    assert sorted(canceled) == sorted(made[2:])
    assert counts(sessions, id) == {"succeeded": 1, "processing": 1, "canceled": 2, REJECTED: 1}
    write(sessions, success(jobs[made[1]]))
    assert counts(sessions, id) == {"succeeded": 1, "canceled": 3, REJECTED: 1}
    assert transact(sessions, lambda session: batches.cancel(session, id)) == []
    assert counts(sessions, other) == {"queued": 1}


def test_retry_queues_what_failed_or_expired_and_nothing_else(
    sessions: Sessions, image: Image
) -> None:
    id, made = enter(sessions, [good(image, str(number)) for number in range(5)] + [BAD])
    jobs = {job.id: job for job in take(sessions, made[:2]).jobs}
    write(sessions, success(jobs[made[0]]), Failure(jobs[made[1]], "poison", "Gone."))
    rewrite(sessions, [made[2]], state=State.EXPIRED, check_at=None)
    rewrite(sessions, [made[3]], state=State.CANCELED, check_at=None)
    again = [State.FAILED, State.EXPIRED]
    wanted = read(sessions, lambda session: batches.predictions_of(session, id, again))
    assert sorted(wanted) == sorted([(made[1], "classify"), (made[2], "classify")])
    for _ in range(2):  # the second time finds nothing to do
        transact(sessions, lambda session: batches.retry(session, wanted))
        assert counts(sessions, id) == {
            "succeeded": 1, "queued": 3, "canceled": 1, REJECTED: 1,
        }  # fmt: skip
    retried = row(sessions, made[1])
    assert (retried.error_code, retried.attempts, retried.failures) == (None, 1, 0)
    [job] = take(sessions, [made[1]]).jobs
    write(sessions, success(job))
    assert counts(sessions, id)["succeeded"] == 2
