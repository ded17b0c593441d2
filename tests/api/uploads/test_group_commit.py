"""Group commit: images with new bytes are inserted together with those of other requests."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from api.uploads.group_commit import GroupCommit, insert_together
from api.uploads.new_upload import NewImage, NewObject, NewUpload
from api.uploads.writer import ContentExists, insert_group
from common.database.ids import new_id
from common.database.session import CommitUnknown, Sessions, clock, read, transact
from common.predictions import TaskRequest
from common.predictions.constants import ANNOUNCE_GRACE
from common.tables import Image, Prediction, State, StoredObject
from tests.support.images.pictures import encode, picture
from tests.support.services.in_process import application, count, send

MANY = 8
PICTURE = encode(picture(), "PNG")

T = TypeVar("T")


def new_upload(number: int, owner: UUID | None = None, name: str = "x.png") -> NewUpload:
    sha256 = bytes([number]) * 32
    image = NewImage(
        id=new_id(), owner_id=owner, sha256=sha256, file_name=name, width=16, height=16,
        visibility="private" if owner else "unlisted",
    )  # fmt: skip
    task_requests = [
        TaskRequest(task=task, params={}, deadline=60) for task in ("classify", "outline")
    ]
    stored = NewObject(sha256=sha256, size=1, media_type="image/png")
    return NewUpload(image=image, stored=stored, task_requests=task_requests)


def row_of(sessions: Sessions, table: type[T], id: UUID) -> T:
    return read(sessions, lambda session: session.get_one(table, id))


def tasks_of(sessions: Sessions, image: UUID) -> list[tuple[str, str]]:
    rows = select(Prediction.task, Prediction.state).where(Prediction.image_id == image)
    return read(sessions, lambda session: sorted((r.task, r.state) for r in session.execute(rows)))


def test_many_are_entered_in_one_transaction(sessions: Sessions) -> None:
    before = read(sessions, clock)
    uploads = [new_upload(number, owner=new_id() if number % 2 else None) for number in range(MANY)]
    at = transact(sessions, lambda session: insert_group(session, uploads))
    assert before - timedelta(seconds=1) <= at <= read(sessions, clock)
    assert (count(sessions, StoredObject), count(sessions, Image)) == (MANY, MANY)
    for number, new in enumerate(uploads):
        asked = [("classify", State.QUEUED), ("outline", State.QUEUED)]
        noted = [("index", State.QUEUED)] if number % 2 else []
        assert tasks_of(sessions, new.image.id) == sorted(asked + noted)
        row = row_of(sessions, Prediction, new.task_requests[0].id)
        assert (row.created_at, row.deadline_at) == (at, at + timedelta(seconds=60))
        assert row.check_at == at + timedelta(seconds=ANNOUNCE_GRACE)
        assert row_of(sessions, Image, new.image.id).created_at == at


def test_nothing_is_entered_when_one_is_known(sessions: Sessions) -> None:
    group_commit = GroupCommit(sessions)
    assert group_commit.run(new_upload(1))
    with pytest.raises(ContentExists):
        transact(sessions, lambda session: insert_group(session, [new_upload(1), new_upload(2)]))
    assert group_commit.run(new_upload(1)) is None
    assert (count(sessions, StoredObject), count(sessions, Image)) == (1, 1)
    assert group_commit.run(new_upload(2)), "the other one by itself"


def test_threads_that_come_together_all_get_in(sessions: Sessions) -> None:
    group_commit = GroupCommit(sessions)
    with ThreadPoolExecutor(MANY) as threads:
        times = list(threads.map(group_commit.run, map(new_upload, range(40))))
    # One whose turn did not come in time is told so, and nothing of it is there.
    entered = sum(at is not None for at in times)
    assert entered == count(sessions, Image) == count(sessions, StoredObject) > 0
    assert count(sessions, Prediction) == 2 * entered


def test_one_that_cannot_be_stored_does_no_harm_to_the_others(sessions: Sessions) -> None:
    good, bad = new_upload(1), new_upload(2)
    bad = replace(
        bad, task_requests=[bad.task_requests[0], bad.task_requests[0]]
    )  # two rows of one id
    assert insert_together(sessions, [good, bad]) is None
    assert count(sessions, Image) == 0
    assert insert_together(sessions, [bad]) is None
    assert insert_together(sessions, [good])


@pytest.mark.parametrize("sessions", ["served"], indirect=True)
def test_the_rows_of_a_table_are_one_statement(sessions: Sessions) -> None:
    """By the server's own account: drivers send rows with functions in them one by one."""

    def enter(session: Session) -> int:
        before = inserts(session)
        insert_group(session, [new_upload(number) for number in range(MANY)])
        return inserts(session) - before

    assert transact(sessions, enter) == 3


def inserts(session: Session) -> int:
    return int(session.execute(text("SHOW SESSION STATUS LIKE 'Com_insert'")).one()[1])


@pytest.mark.parametrize("is_committed", [True, False])
def test_when_nobody_knows_whether_it_was_committed_the_rows_are_looked_for(
    sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    """The answer to the COMMIT is lost; the transaction was committed or rolled back."""
    lost: list[Session] = []

    def lose_the_first_answer(session: Session) -> None:
        is_upload = session.scalar(select(func.count()).select_from(Image))
        if lost or not is_upload:
            return session.commit()
        lost.append(session)
        if is_committed:
            session.commit()
        else:
            session.rollback()
        raise CommitUnknown("The database's connection broke during COMMIT.")

    monkeypatch.setattr("common.database.unit_of_work._commit", lose_the_first_answer)
    with application(sessions, tmp_path) as app:
        answer = send(app, "/v1/predictions?task=classify", PICTURE)
    assert lost and answer.status_code == 202 and answer.json
    assert count(sessions, Image) == 1
    assert row_of(sessions, Prediction, UUID(answer.json["id"])).task == "classify"
