"""Old rows are deleted in pieces that requests do not notice, and that may be interrupted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, insert, select

from common.database.ids import new_id
from common.database.session import Sessions, clock, now, read, transact
from common.housekeeping import old_results
from common.housekeeping.old_results import (
    IMAGES,
    IMAGES_AT_ONCE,
    MOST_DELETED,
    PREDICTIONS,
    Piece,
    remove_old_predictions,
    remove_predictions_of_old_images,
)
from common.images import remove_unused_images
from common.predictions import TaskRequest, claim, create, retry
from common.tables import Image, JobLock, Prediction, State, StoredObject
from common.tasks import DAY
from tests.support.rows.aging import age
from tests.support.rows.past import days_ago
from tests.support.rows.prediction_steps import ME

OWNER = new_id()
Work = Callable[[Any, int], Piece]


def fill(sessions: Sessions, images: int, each: int, owner: UUID | None = None) -> list[UUID]:
    """Images, 10 days old, each with a number of finished predictions of one task; their ids."""
    with days_ago(sessions, 10):
        ids = [new_id() for _ in range(images)]
        objects = [{"sha256": id.bytes * 2, "size": 1, "media_type": "image/png"} for id in ids]
        about = {"file_name": "x.png", "width": 1, "height": 1, "visibility": "unlisted"}
        pictures = [{"id": id, "owner_id": owner, "sha256": id.bytes * 2, **about} for id in ids]
        finished: dict[str, Any] = {
            "task": "classify",
            "params": {},
            "state": State.SUCCEEDED,
            "owner_id": owner,
        }

        def work(session: Any) -> None:
            at = clock(session)
            times = {"created_at": at, "finished_at": at, "deadline_at": at, "check_at": None}
            about_it = finished | times | {"owner_id": owner}
            session.execute(insert(StoredObject), objects)
            session.execute(insert(Image), pictures)
            rows = [about_it | {"id": new_id(), "image_id": id} for id in ids * each]
            if rows:
                session.execute(insert(Prediction), rows)

        transact(sessions, work)
    return sorted(ids)


def total(sessions: Sessions, table: Any) -> int:
    rows = select(func.count()).select_from(table)
    return read(sessions, lambda session: session.scalar(rows)) or 0


def piece(sessions: Sessions, work: Work, days: int = 7) -> Piece:
    return transact(sessions, lambda session: work(session, days))


@contextmanager
def transactions(sessions: Sessions) -> Iterator[list[list[int]]]:
    """The number of changed rows of each statement, by transaction."""
    seen: list[list[int]] = [[]]

    def note(_c: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        seen[-1].append(0 if statement.startswith("SELECT") else cursor.rowcount)

    def end(_c: Any) -> None:
        seen.append([])

    engine = sessions.engine
    event.listen(engine, "after_cursor_execute", note)
    event.listen(engine, "commit", end)
    try:
        yield seen
    finally:
        event.remove(engine, "after_cursor_execute", note)
        event.remove(engine, "commit", end)


@pytest.mark.parametrize("owner", [None, OWNER])
def test_pieces_are_bounded(sessions: Sessions, owner: UUID | None) -> None:
    fill(sessions, 30, 20, owner)
    work = remove_old_predictions if owner else remove_predictions_of_old_images
    with transactions(sessions) as seen:
        while not (one := piece(sessions, work)).is_last:
            assert one.predictions <= MOST_DELETED
            assert len(one.unused_images) <= IMAGES_AT_ONCE
    assert all(rows <= MOST_DELETED for each in seen for rows in each)
    assert all(len(each) <= 12 for each in seen), "statements"
    assert len(seen) > 3, "600 predictions in more than one transaction"
    assert total(sessions, Prediction) == (30 if owner else 0)
    assert total(sessions, Image) == 30


def test_a_walk_that_was_interrupted_continues(sessions: Sessions) -> None:
    fill(sessions, 5, 2 * MOST_DELETED // 5, OWNER)
    left = total(sessions, Prediction)

    def interrupted(session: Any, days: int) -> Piece:
        remove_old_predictions(session, days)
        raise InterruptedError

    pieces = 0
    while True:
        with pytest.raises(InterruptedError):
            piece(sessions, interrupted)
        assert total(sessions, Prediction) == left
        progress = progress_of(sessions, PREDICTIONS)
        one = piece(sessions, remove_old_predictions)
        left -= one.predictions
        if one.is_last:
            break
        pieces += 1
        assert one.predictions or progress_of(sessions, PREDICTIONS) > progress
    assert pieces >= 2
    assert total(sessions, Prediction) == 5


def progress_of(sessions: Sessions, name: str) -> UUID:
    row = select(JobLock.progress).where(JobLock.name == name)
    return read(sessions, lambda session: session.scalar(row)) or UUID(int=0)


def test_each_prediction_is_examined_once(sessions: Sessions) -> None:
    fill(sessions, 3, 1, OWNER)
    assert not piece(sessions, remove_old_predictions).is_last
    assert piece(sessions, remove_old_predictions).is_last
    last = select(func.max(Prediction.id))
    assert progress_of(sessions, PREDICTIONS) == read(sessions, lambda s: s.scalar(last))


def test_the_walk_of_images_begins_again(sessions: Sessions) -> None:
    [id] = fill(sessions, 1, 0)
    for _ in range(2):
        assert piece(sessions, remove_predictions_of_old_images).unused_images == [id]
        assert progress_of(sessions, IMAGES) == id
        assert piece(sessions, remove_predictions_of_old_images).is_last
        assert progress_of(sessions, IMAGES) == UUID(int=0)


def test_a_lost_note_of_the_progress_does_no_harm(sessions: Sessions) -> None:
    fill(sessions, 3, 2, OWNER)
    while not piece(sessions, remove_old_predictions).is_last:
        pass
    age(sessions, timedelta(days=8))
    transact(sessions, lambda s: s.execute(JobLock.__table__.delete()))  # type: ignore[attr-defined]
    while not piece(sessions, remove_old_predictions).is_last:
        pass
    assert total(sessions, Prediction) == 3


def test_locked_rows_are_left_and_not_waited_for(sessions: Sessions) -> None:
    """A claim, a retry or a finish has locked the row: the piece deletes the others."""
    if sessions.engine.dialect.name == "sqlite":
        pytest.skip("one transaction at a time")
    fill(sessions, 1, 3)
    [first, *_] = read(sessions, lambda s: s.scalars(select(Prediction.id)).all())
    with sessions.write() as other:
        claim(other, ME, {first: True})
        assert piece(sessions, remove_predictions_of_old_images).predictions == 2
        other.rollback()
    assert read(sessions, lambda s: s.scalars(select(Prediction.id)).all()) == [first]
    assert piece(sessions, remove_predictions_of_old_images).is_last
    assert piece(sessions, remove_predictions_of_old_images).predictions == 1


def test_a_row_that_was_retried_meanwhile_is_kept(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the query that finds it and the lock."""
    fill(sessions, 1, 1)
    failed = Prediction.__table__.update().values(state=State.FAILED)  # type: ignore[attr-defined]
    transact(sessions, lambda s: s.execute(failed))
    find = old_results._ids

    def then_retry(session: Any, statement: Any) -> list[UUID]:
        ids = find(session, statement)
        if "predictions.state IN" in str(statement):
            monkeypatch.undo()
            for id in ids:
                retry(session, id, 900)
        return ids

    monkeypatch.setattr(old_results, "_ids", then_retry)
    assert piece(sessions, remove_predictions_of_old_images).predictions == 0
    states = read(sessions, lambda s: s.scalars(select(Prediction.state)).all())
    assert states == [State.QUEUED]


def test_an_image_that_is_used_again_meanwhile_is_kept(sessions: Sessions) -> None:
    [id] = fill(sessions, 1, 0)
    assert piece(sessions, remove_predictions_of_old_images).unused_images == [id]
    request = TaskRequest(task="classify", params={}, deadline=900)
    found: list[Any] = []
    remover = threading.Thread(
        target=lambda: found.append(transact(sessions, lambda s: remove_unused_images(s, [id])))
    )

    def ask(session: Any) -> None:
        image = session.scalars(select(Image).where(Image.id == id).with_for_update(read=True))
        create(session, image.one(), [request], clock(session))
        remover.start()
        remover.join(0.2)

    transact(sessions, ask)
    remover.join(10)
    assert [each.count for each in found] == [0]
    assert total(sessions, Image) == total(sessions, Prediction) == 1


def test_an_image_with_an_owner_is_never_unused(sessions: Sessions) -> None:
    [own], [bare] = fill(sessions, 1, 0, OWNER), fill(sessions, 1, 0)
    assert transact(sessions, lambda s: remove_unused_images(s, [])).count == 0
    removed = transact(sessions, lambda s: remove_unused_images(s, [own, new_id(), bare]))
    assert (removed.count, removed.condemned) == (1, [bare.bytes * 2])
    assert total(sessions, Image) == 1


def test_internal_predictions_do_not_keep_an_image(sessions: Sessions) -> None:
    [id] = fill(sessions, 1, 0)
    note = {"id": new_id(), "task": "index", "params": {}, "image_id": id, "deadline_at": now(DAY)}
    transact(sessions, lambda s: s.execute(insert(Prediction).values(note)))
    assert piece(sessions, remove_predictions_of_old_images).unused_images == [id]
    assert transact(sessions, lambda s: remove_unused_images(s, [id])).count == 1
    assert total(sessions, Prediction) == total(sessions, Image) == 0
