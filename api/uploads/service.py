"""Accept uploads: describe, idempotency, quota, put, insert, announce.

An accepted upload is never lost: its rows are committed before the request is answered.
"""

import hashlib
from collections.abc import Sequence
from functools import partial

from sqlalchemy.exc import IntegrityError

from api.http import idempotency_store
from api.http.access_log import note_predictions
from api.http.idempotency_store import Key, Taken
from api.limits import quotas
from api.predictions.queries import check_visible, no_such_image
from api.state import app_state, current_user, read, services, write
from api.uploads.new_upload import (
    Accepted,
    AlsoInsert,
    NewImage,
    NewObject,
    NewPredictions,
    NewUpload,
)
from api.uploads.recall import Incomplete, find_accepted, how_to_check, recall
from api.uploads.writer import insert_predictions, insert_upload, queued_records
from common.database.ids import new_id
from common.database.session import explain_unknown_commit
from common.errors import InputFault, NotFound
from common.images import validation
from common.predictions import TaskRequest
from common.storage import object_key
from common.tables import Image, State, Visibility


def accept_upload(
    data: bytes,
    file_name: str | None,
    visibility: str | None,
    task_requests: Sequence[TaskRequest],
    key: Key | None = None,
    also_insert: AlsoInsert | None = None,
) -> Accepted:
    """Store an image of the caller's and create predictions of it: all of it, or none on an error.
    `also_insert` runs in the same transaction, with the id of the image, before the predictions.

    The same bytes from the same owner are the same image; `visibility`, if given, changes it.
    Raises InputFault for bytes that are not an acceptable image, TooManyRequests if a quota is used
    up, InProgress while the first request with `key` is running, Unavailable if the object store or
    the database does not answer.
    """
    state = app_state()
    image, stored = _describe(data, file_name, visibility)
    upload = NewUpload(
        image=image, task_requests=task_requests, key=key, also_insert=also_insert,
        stored=stored, visibility=visibility,
    )  # fmt: skip
    put = partial(state.services.storage.put, object_key(stored.sha256), data)
    insert = partial(insert_upload, upload=upload, put=put, models=state.running_models)
    explained = explain_unknown_commit(how_to_check(upload))
    with state.in_flight.alone(key):
        if key and key.is_replayed:
            return _replay(key)
        try:
            with quotas.upload(len(data)) as sent, quotas.work(_units(upload)) as work, explained:
                put()
                at = state.group_commit.run(upload) if upload.may_be_grouped else None
                if at:
                    accepted = Accepted(image.id, queued_records(upload, at))
                else:
                    accepted = write(insert, recall=partial(recall, new=upload))
                sent.counts = accepted.is_new
                work.spent = _units_spent(accepted, image)
        except Taken as taken:
            return _replay(taken.key)
    if accepted.is_new:
        state.services.metrics.uploads[()].inc()
    _announce(accepted)
    return accepted


def accept_predictions(
    image: Image,
    task_requests: Sequence[TaskRequest],
    key: Key | None = None,
    also_insert: AlsoInsert | None = None,
) -> Accepted:
    """Create predictions of a stored image. `also_insert` is as in `accept_upload`.

    Raises NotFound if the image is deleted meanwhile, Conflict if the caller has too many
    unfinished predictions of another owner's image, TooManyRequests, InProgress, Unavailable.
    """
    state = app_state()
    new = NewPredictions(image=image, task_requests=task_requests, key=key, also_insert=also_insert)
    insert = partial(
        insert_predictions, new=new, caller=current_user(), models=state.running_models
    )
    with state.in_flight.alone(key):
        if key and key.is_replayed:
            return _replay(key)
        try:
            with quotas.work(_units(new)) as work, explain_unknown_commit(how_to_check(new)):
                accepted = write(insert, recall=partial(recall, new=new))
                work.spent = _units_spent(accepted, image)
        except Taken as taken:
            return _replay(taken.key)
        except IntegrityError as error:
            raise no_such_image() from error
    _announce(accepted)
    return accepted


def check_visibility(visibility: str | None) -> str:
    """The visibility of a new image of the caller's: the given one, or the default.

    Raises InputFault if an anonymous caller asks for a private image.
    """
    is_anonymous = current_user().id is None
    if visibility == Visibility.PRIVATE and is_anonymous:
        detail = "Only accounts have private images: log in, or send another visibility."
        raise InputFault(detail, errors={"visibility": [detail]})
    return visibility or (Visibility.UNLISTED if is_anonymous else Visibility.PRIVATE)


def _describe(
    data: bytes, file_name: str | None, visibility: str | None
) -> tuple[NewImage, NewObject]:
    """The rows of a new image; raises InputFault if the bytes are not an acceptable image."""
    visibility = check_visibility(visibility)
    settings = services().settings
    limits = validation.Limits(settings.max_upload_bytes, settings.max_pixels)
    header = validation.check(data, limits)
    width, height = header.upright_size
    sha256 = hashlib.sha256(data).digest()
    image = NewImage(
        id=new_id(),
        owner_id=current_user().id,
        sha256=sha256,
        file_name=validation.clean_file_name(file_name, header.media_type),
        width=width,
        height=height,
        visibility=visibility,
    )
    return image, NewObject(sha256=sha256, size=len(data), media_type=header.media_type)


def _units(new: NewPredictions) -> int:
    """The units of work that the request asks for."""
    tasks = (task_request.task for task_request in new.task_requests)
    return quotas.units_of(tasks, new.image.width * new.image.height)


def _units_spent(accepted: Accepted, image: Image | NewImage) -> int:
    """The units of work that remain to be done; a cached result costs none."""
    tasks = (row.task for row in accepted.predictions if not row.cached)
    return quotas.units_of(tasks, image.width * image.height)


def _announce(accepted: Accepted) -> None:
    """Count the predictions, and publish the ids of those that are queued."""
    state = app_state()
    note_predictions(state.services.metrics, accepted.predictions)
    for row in accepted.predictions:
        if row.state == State.QUEUED:
            state.announcer.announce(row.id, row.task, row.interactive)


def _replay(key: Key) -> Accepted:
    """What an earlier request with this key has stored; that request or the sweep announces it.

    Raises InProgress while it is not committed, NotFound if it has been deleted since or the caller
    may no longer see it.
    """
    if not key.is_replayed:
        read(partial(idempotency_store.find, key=key))
    if key.resource is None or not key.is_replayed:
        raise idempotency_store.in_progress()
    find = partial(find_accepted, image=key.resource, ids=key.predictions)
    try:
        accepted = read(find)
    except Incomplete as error:
        detail = "What the first request with this Idempotency-Key stored has been deleted since."
        raise NotFound(detail, code="image_not_found") from error
    check_visible(accepted.image)
    return accepted
