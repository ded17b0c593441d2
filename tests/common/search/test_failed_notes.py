"""Notes for the search index that failed are tried again or replaced, never left."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.session import Sessions, now, read, transact
from common.predictions import Failure, sweep
from common.search.failed_index_notes import retry_failed
from common.search.outbox import note_changed
from common.tables import Image, Prediction, State
from tests.support.rows.prediction_steps import image as image
from tests.support.rows.prediction_steps import rewrite, row, success, sweep_ids, take, write


def notes_of(sessions: Sessions, image: UUID) -> list[UUID]:
    rows = select(Prediction.id).where(Prediction.image_id == image, Prediction.task == "index")
    return read(sessions, lambda session: list(session.scalars(rows.order_by(Prediction.id))))


def noted(sessions: Sessions, image: Image) -> UUID:
    def note(session: Session) -> None:
        note_changed(session, [image.id])

    transact(sessions, note)
    return notes_of(sessions, image.id)[-1]


def fail(sessions: Sessions, id: UUID) -> None:
    [job] = take(sessions, [id]).jobs
    write(sessions, Failure(job, "poison", "It was lost."))


def test_a_failed_note_is_queued_again_after_a_while(sessions: Sessions, image: Any) -> None:
    id = noted(sessions, image)
    fail(sessions, id)
    assert transact(sessions, retry_failed) == 0, "not at once"
    rewrite(sessions, [id], finished_at=now(-61))
    assert transact(sessions, retry_failed) == 1
    again = row(sessions, id)
    assert (again.state, again.attempts, again.error_code) == (State.QUEUED, 1, None)
    rewrite(sessions, [id], check_at=now(-1))
    assert sweep_ids(sessions) == [id]
    assert write(sessions, *map(success, take(sessions, [id]).jobs)) == [id]


def test_an_expired_note_is_queued_again(sessions: Sessions, image: Any) -> None:
    id = noted(sessions, image)
    rewrite(sessions, [id], deadline_at=now(-1), check_at=now(-1))
    assert transact(sessions, sweep).expired == [id]
    rewrite(sessions, [id], finished_at=now(-61))
    assert transact(sessions, retry_failed) == 1
    assert row(sessions, id).state == State.QUEUED


def test_what_keeps_failing_is_tried_less_often(sessions: Sessions, image: Any) -> None:
    id = noted(sessions, image)
    fail(sessions, id)
    for attempts, early, late in ((11, 61, 3601), (31, 3601, 24 * 3600 + 1)):
        rewrite(sessions, [id], state=State.FAILED, attempts=attempts, finished_at=now(-early))
        assert transact(sessions, retry_failed) == 0
        rewrite(sessions, [id], finished_at=now(-late))
        assert transact(sessions, retry_failed) == 1


def test_a_note_that_a_newer_one_replaced_is_removed(sessions: Sessions, image: Any) -> None:
    old = noted(sessions, image)
    fail(sessions, old)
    rewrite(sessions, [old], finished_at=now(-61))
    new = noted(sessions, image)
    assert transact(sessions, retry_failed) == 1
    assert notes_of(sessions, image.id) == [new]
