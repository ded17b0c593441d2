"""Intake: bytes -> store -> one transaction -> announce. What it has answered for is never lost."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.permissions import require_upload_permission
from api.http import idempotency_store
from api.http.idempotency_store import Key
from api.limits import quotas
from api.predictions.queries import no_such_image
from api.state import AppState, current_user
from api.uploads.group_commit import ENTER_OBJECT, NewUpload, enter_images, object_columns
from api.uploads.prediction_writer import Accepted, commit, enter
from common import images
from common.callers import Caller, may_see
from common.database.ids import new_id
from common.database.session import DatabaseUnavailable, clock, execute
from common.errors import InputFault
from common.images import validation
from common.predictions import TaskRequest, queued_record
from common.predictions.open_limits import check_room
from common.storage import object_key
from common.tables import Image, StoredObject, Visibility
from common.tasks import is_internal

First = Callable[[Session, UUID], None]


def receive(
    app_state: AppState,
    data: bytes,
    file_name: str | None,
    visibility: str | None,
    task_requests: Sequence[TaskRequest],
    key: Key | None = None,
    first: First | None = None,
) -> Accepted:
    """Take an image and what is asked of it: all of it, or an error and nothing. `first` is done
    with the image in the same transaction, before anything is asked of it.

    The same bytes by the same owner are the same image, shown as `visibility` says where it says
    something. Raises InputFault when the bytes are not an acceptable image, Unavailable when the
    object store or the database does not answer, InProgress when the key's first request is not
    done; TooManyRequests when a quota is used up.
    """
    require_upload_permission()
    image, stored = _described(app_state, data, file_name, chosen(visibility))
    put = partial(app_state.services.storage.put, object_key(stored.sha256), data)

    def write(session: Session) -> Accepted:
        at = clock(session)
        is_known = _hold_object(session, stored, put, at)
        before = _found_again(session, image, visibility, key) if is_known else None
        if not before:
            enter_images(session, [image], at)
        found = before or image
        if first:
            first(session, found.id)
        accepted = enter(session, app_state, found, task_requests, at, is_known)
        return replace(accepted, is_new=not before)

    with app_state.in_flight.alone(key):
        if key and key.is_replayed:
            return commit(app_state, write, image.id, task_requests, key)
        units = quotas.units_of((ask.task for ask in task_requests), image.width * image.height)
        with quotas.upload(len(data)) as upload, quotas.work(units) as work:
            put()
            others = (
                None if first else partial(_among_others, app_state, image, stored, task_requests)
            )
            accepted = commit(app_state, write, image.id, task_requests, key, others)
            upload.counts = accepted.is_new
            work.spent = _spent(accepted, image)
    if accepted.is_new:
        app_state.services.metrics.uploads[()].inc()
    return accepted


def ask(
    app_state: AppState,
    image: Image,
    task_requests: Sequence[TaskRequest],
    key: Key | None = None,
    first: First | None = None,
) -> Accepted:
    """Ask more of an image that is already stored. `first` as in `receive`.

    Raises NotFound when the image is deleted meanwhile, Conflict when the image is another's and
    the caller has too many unfinished predictions of it.
    """
    caller = current_user()

    def write(session: Session) -> Accepted:
        if first:
            first(session, image.id)
        held = _held(session, caller, image)
        check_room(session, caller, held, sum(not is_internal(ask.task) for ask in task_requests))
        return enter(session, app_state, held, task_requests, clock(session), is_known=True)

    with app_state.in_flight.alone(key):
        if key and key.is_replayed:
            return commit(app_state, write, image.id, task_requests, key)
        units = quotas.units_of((ask.task for ask in task_requests), image.width * image.height)
        with quotas.work(units) as work:
            try:
                accepted = commit(app_state, write, image.id, task_requests, key)
            except IntegrityError as error:
                raise no_such_image() from error
            work.spent = _spent(accepted, image)
    return accepted


def _spent(accepted: Accepted, image: Image) -> int:
    """The units of work that was asked for; a known result costs nothing."""
    open_tasks = (row.task for row in accepted.predictions if not row.cached)
    return quotas.units_of(open_tasks, image.width * image.height)


def chosen(visibility: str | None) -> str:
    """The visibility of a new image of the caller's; raises InputFault for one that cannot be."""
    is_anonymous = current_user().id is None
    if visibility == Visibility.PRIVATE and is_anonymous:
        detail = "Nobody could see it again: sign in to have something for yourself."
        raise InputFault(detail, errors={"visibility": [detail]})
    return visibility or (Visibility.UNLISTED if is_anonymous else Visibility.PRIVATE)


def _described(
    app_state: AppState, data: bytes, file_name: str | None, visibility: str
) -> tuple[Image, StoredObject]:
    """The rows of an image that is new; raises InputFault when the bytes are not one."""
    settings = app_state.services.settings
    header = validation.check(
        data, validation.Limits(settings.max_upload_bytes, settings.max_pixels)
    )
    width, height = header.upright_size
    sha256 = hashlib.sha256(data).digest()
    image = Image(
        id=new_id(),
        owner_id=current_user().id,
        sha256=sha256,
        file_name=validation.clean_file_name(file_name, header.media_type),
        width=width,
        height=height,
        visibility=visibility,
    )
    return image, StoredObject(sha256=sha256, size=len(data), media_type=header.media_type)


def _among_others(
    app_state: AppState, image: Image, stored: StoredObject, task_requests: Sequence[TaskRequest]
) -> Accepted | None:
    """Enter the image as nobody's bytes before; None when they are known after all."""
    at = app_state.newcomers.enter(NewUpload(image, stored, task_requests))
    return (
        Accepted(image.id, [queued_record(image, ask, at) for ask in task_requests]) if at else None
    )


def _found_again(
    session: Session, image: Image, visibility: str | None, key: Key | None
) -> Row[Any] | None:
    """The image that its owner has sent before; they look alike to nobody else."""
    if image.owner_id is None:
        return None
    before = images.find_own(session, image.owner_id, image.sha256)
    if before and visibility and visibility != before.visibility:
        images.set_visibility(session, before.id, visibility)
        before = images.find_own(session, image.owner_id, image.sha256)
    if before and key:
        idempotency_store.point_at(session, key, before.id)
    return before


def _held(session: Session, caller: Caller, image: Image) -> Image | Row[Any]:
    """The image as it is now: what is asked of it must be shown to nobody whom it is not shown to.

    Nobody's is not changed by anybody but admins, and is taken as it was found.
    """
    if image.owner_id is None:
        return image
    held = images.hold(session, image.id)
    if held is None or not may_see(caller, held):
        raise no_such_image()
    return held


def _hold_object(
    session: Session, stored: StoredObject, put: Callable[[], None], at: datetime
) -> bool:
    """Have the object's row and its lock until COMMIT, so that no deletion comes in between.

    Returns whether these bytes had been there before.
    """
    row = object_columns(stored, at)
    if execute(session, ENTER_OBJECT, row).rowcount:
        return False
    this = StoredObject.sha256 == stored.sha256
    state = session.scalar(select(StoredObject.state).where(this).with_for_update())
    if state == "deleting":
        raise DatabaseUnavailable("The image could not be stored now; send it again.")
    if state == "deleted":
        # Ours may have been put before the old ones were deleted, and gone with them.
        put()
        execute(session, update(StoredObject).where(this).values(row | {"state": "ready"}))
    return True
