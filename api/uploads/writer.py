"""Insert uploads: the rows of idempotency keys, objects, images and predictions.

Functions take the session first and never commit.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from api.http import idempotency_store
from api.system.engine_reports import RunningModels
from api.uploads.new_upload import Accepted, NewImage, NewObject, NewPredictions, NewUpload
from common import images
from common.callers import AnyImage, Caller, ImageAccess, may_see
from common.database.session import DatabaseUnavailable, clock, execute, insert_missing
from common.errors import NotFound
from common.predictions import (
    PredictionRecord,
    TaskRequest,
    create,
    create_all,
    find_records,
    queued_record,
)
from common.predictions.open_limits import check_room
from common.predictions.result_cache import CachedResult, create_cached, find_cached
from common.search.outbox import is_findable, note_changed
from common.tables import Image, StoredObject
from common.tasks import is_internal

# Prebuilt: building a statement costs as much as sending it. They contain no SQL functions, so the
# driver sends many rows as one INSERT.
INSERT_OBJECTS = insert_missing(StoredObject)
INSERT_IMAGES = insert(Image)
OBJECT_COLUMNS = ("sha256", "size", "media_type")


class ContentExists(Exception):
    """The store has an object with the bytes of one of the uploads."""


def insert_group(session: Session, uploads: Sequence[NewUpload]) -> datetime:
    """Insert uploads whose bytes are all new to the store; return the time of their rows.

    Raises ContentExists if those of one are not.
    """
    at = clock(session)
    inserted = execute(session, INSERT_OBJECTS, _object_rows(uploads, at)).rowcount
    if inserted < len(uploads):
        raise ContentExists
    _insert_new(session, uploads, at)
    return at


def insert_upload(
    session: Session, upload: NewUpload, put: Callable[[], None], models: RunningModels
) -> Accepted:
    """Insert one upload. The same bytes from the same owner are the same image.

    `put` stores the bytes once more where a deletion may have removed them. Raises Taken.
    """
    # First, so that requests with the same key wait here, without other locks.
    if upload.key:
        idempotency_store.insert(session, upload.key, upload.image.id, upload.ids)
    at = clock(session)
    if execute(session, INSERT_OBJECTS, _object_rows([upload], at)).rowcount:
        _insert_new(session, [upload], at)
        return Accepted(upload.image.id, queued_records(upload, at))
    _lock_object(session, upload.stored, put, at)
    existing = _find_existing_image(session, upload)
    if existing is None:
        _insert_images(session, [upload.image], at)
    image = existing or upload.image
    if upload.also_insert:
        upload.also_insert(session, image.id)
    predictions = _insert_predictions(session, image, upload.task_requests, models, at)
    return Accepted(image.id, predictions, is_new=existing is None)


def insert_predictions(
    session: Session, new: NewPredictions, caller: Caller, models: RunningModels
) -> Accepted:
    """Insert predictions of a stored image.

    Raises NotFound if the image was deleted or hidden from the caller meanwhile, Conflict if the
    caller has too many unfinished predictions of another owner's image, Taken.
    """
    if new.key:
        idempotency_store.insert(session, new.key, new.image.id, new.ids)
    if new.also_insert:
        new.also_insert(session, new.image.id)
    image = _lock_image(session, caller, new.image)
    public = [each for each in new.task_requests if not is_internal(each.task)]
    check_room(session, caller, image, len(public))
    at = clock(session)
    return Accepted(image.id, _insert_predictions(session, image, new.task_requests, models, at))


def queued_records(new: NewPredictions, at: datetime) -> list[PredictionRecord]:
    """The predictions just inserted at the time `at`; reading them would cost a millisecond."""
    return [queued_record(new.image, task_request, at) for task_request in new.task_requests]


def _insert_new(session: Session, uploads: Sequence[NewUpload], at: datetime) -> None:
    """Insert the images and predictions of uploads whose object rows were just inserted."""
    _insert_images(session, [upload.image for upload in uploads], at)
    for upload in uploads:
        if upload.also_insert:
            upload.also_insert(session, upload.image.id)
    requests = [(upload.image, each) for upload in uploads for each in upload.task_requests]
    create_all(session, requests, at)


def _insert_images(session: Session, new_images: Sequence[NewImage], at: datetime) -> None:
    """Insert images, and queue those that searches may find for indexing."""
    names = ("id", "owner_id", "sha256", "file_name", "width", "height", "visibility")
    execute(session, INSERT_IMAGES, [_row(image, names, at) for image in new_images])
    note_changed(session, (image.id for image in new_images if is_findable(image)))


def _insert_predictions(
    session: Session,
    image: AnyImage,
    task_requests: Sequence[TaskRequest],
    models: RunningModels,
    at: datetime,
) -> list[PredictionRecord]:
    """Insert a prediction for each request: final if its result is cached, otherwise queued."""
    cached = [
        result
        for each in task_requests
        if not each.fresh and (result := _find_cached(session, image, each, models))
    ]
    cached_ids = {result.request.id for result in cached}
    queued = [each for each in task_requests if each.id not in cached_ids]
    create(session, image, queued, at)
    create_cached(session, image, cached, at)
    rows = {each.id: queued_record(image, each, at) for each in queued}
    rows |= find_records(session, sorted(cached_ids))
    return [rows[each.id] for each in task_requests]


def _find_cached(
    session: Session, image: AnyImage, task_request: TaskRequest, models: RunningModels
) -> CachedResult | None:
    model = models.answering(session, task_request.task, task_request.wanted_model)
    return find_cached(session, image, task_request, model)


def _lock_object(
    session: Session, stored: NewObject, put: Callable[[], None], at: datetime
) -> None:
    """Lock the row of an object until COMMIT, so that its bytes are not deleted before."""
    is_it = StoredObject.sha256 == stored.sha256
    state = session.scalar(select(StoredObject.state).where(is_it).with_for_update())
    if state == "deleting":
        raise DatabaseUnavailable("The image could not be stored now; send it again.")
    if state == "deleted":
        # The bytes may have been put before the deletion of the old ones, and deleted with them.
        put()
        values = _row(stored, OBJECT_COLUMNS, at) | {"state": "ready"}
        execute(session, update(StoredObject).where(is_it).values(values))


def _find_existing_image(session: Session, upload: NewUpload) -> ImageAccess | None:
    """Lock and return the owner's image with these bytes, with the visibility asked for; None for
    anonymous callers, whose every upload is a new image.
    """
    owner, sha256 = upload.image.owner_id, upload.image.sha256
    image = images.lock_own(session, owner, sha256) if owner else None
    if image and owner and upload.visibility and upload.visibility != image.visibility:
        images.set_visibility(session, image.id, upload.visibility)
        image = images.lock_own(session, owner, sha256)
    if image and upload.key:
        idempotency_store.set_resource(session, upload.key, image.id)
    return image


def _lock_image(session: Session, caller: Caller, image: AnyImage) -> AnyImage:
    """Lock the image until COMMIT, so that its visibility cannot change before; NotFound if the
    caller may not see it. An anonymous upload is returned as it is: only admins may change it.
    """
    if image.owner_id is None:
        return image
    locked = images.lock_shared(session, image.id)
    if locked is None or not may_see(caller, locked):
        raise NotFound("There is no such image.", code="image_not_found")
    return locked


def _object_rows(uploads: Sequence[NewUpload], at: datetime) -> list[dict[str, Any]]:
    # All processes insert in the same order, so that they do not deadlock on the same bytes.
    ordered = sorted(uploads, key=lambda upload: upload.stored.sha256)
    return [_row(upload.stored, OBJECT_COLUMNS, at) for upload in ordered]


def _row(source: NewImage | NewObject, names: Sequence[str], at: datetime) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names} | {"created_at": at}
