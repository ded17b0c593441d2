"""Notes for the search index: who gets one, when, and that several become one."""

import threading
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.housekeeping.retention import old_predictions, remove_predictions
from common.images import set_visibility
from common.predictions import Success
from common.search.outbox import note_changed, note_deleted
from common.tables import Image, Prediction
from tests.support.rows.prediction_steps import MODEL, rewrite, row, take, write


def notes(sessions: Sessions) -> list[Prediction]:
    wanted = select(Prediction).where(Prediction.task == "index").order_by(Prediction.id)
    return read(sessions, lambda session: list(session.scalars(wanted)))


def change(sessions: Sessions, image: Image, **values: Any) -> None:
    wanted = update(Image).where(Image.id == image.id).values(values)
    transact(sessions, lambda session: session.execute(wanted))


def classified(sessions: Sessions, ask: Any) -> UUID:
    [id] = ask()
    [job] = take(sessions, [id]).jobs
    write(sessions, Success(job, {"labels": []}, MODEL, {}))
    assert row(sessions, id).state == "succeeded"
    found: UUID = id
    return found


def test_an_anonymous_unlisted_image_costs_nothing(
    sessions: Sessions, image: Image, ask: Any
) -> None:
    classified(sessions, ask)
    assert notes(sessions) == []


@pytest.mark.parametrize(
    "findable", [{"visibility": "public"}, {"owner_id": new_id()}, {"posts": 1}]
)
def test_a_result_of_a_findable_image_is_noted_once(
    sessions: Sessions, image: Image, ask: Any, findable: dict[str, Any]
) -> None:
    change(sessions, image, **findable)
    classified(sessions, ask)
    classified(sessions, ask)
    [note] = notes(sessions)
    assert (note.image_id, note.params) == (image.id, {"image_id": str(image.id)})
    assert note.check_at is not None


def test_what_an_engine_has_taken_is_noted_again(sessions: Sessions, image: Image) -> None:
    for _ in range(2):
        transact(sessions, lambda session: note_changed(session, [image.id]))
    [first] = notes(sessions)
    take(sessions, [first.id])
    transact(sessions, lambda session: note_changed(session, [image.id]))
    assert [note.state for note in notes(sessions)] == ["processing", "queued"]


def test_a_note_is_not_taken_before_the_change_is_there(sessions: Sessions, image: Image) -> None:
    transact(sessions, lambda session: note_changed(session, [image.id]))
    [note] = notes(sessions)
    taken: list[str] = []
    claimed = threading.Event()

    def claim() -> None:
        take(sessions, [note.id])
        found = read(sessions, lambda session: session.get(Image, image.id))
        taken.append(found.file_name if found else "gone")
        claimed.set()

    thread = threading.Thread(target=claim)

    def rename(session: Session) -> None:
        session.execute(update(Image).where(Image.id == image.id).values(file_name="new.png"))
        note_changed(session, [image.id])
        thread.start()
        assert not claimed.wait(0.5)

    transact(sessions, rename)
    thread.join(10)
    assert taken == ["new.png"]
    assert len(notes(sessions)) == 1


def test_a_change_of_visibility_is_noted(sessions: Sessions, image: Image) -> None:
    transact(sessions, lambda session: set_visibility(session, image.id, "public"))
    assert [note.image_id for note in notes(sessions)] == [image.id]


def test_an_image_that_goes_leaves_a_note_behind(sessions: Sessions, image: Image) -> None:
    transact(sessions, lambda session: note_deleted(session, [image.id]))
    [note] = notes(sessions)
    assert (note.image_id, note.params) == (None, {"image_id": str(image.id)})


def forget(sessions: Sessions) -> int:
    rules = old_predictions()["index"]
    return sum(transact(sessions, partial(remove_predictions, condition=which)) for which in rules)


def test_old_notes_are_forgotten(sessions: Sessions, image: Image) -> None:
    transact(sessions, lambda session: note_changed(session, [image.id]))
    [note] = notes(sessions)
    [job] = take(sessions, [note.id]).jobs
    write(sessions, Success(job, {}, {}, {}))
    forget(sessions)
    assert len(notes(sessions)) == 1
    rewrite(sessions, [note.id], started_at=now(-4000))
    assert forget(sessions) == 1
    assert notes(sessions) == []
