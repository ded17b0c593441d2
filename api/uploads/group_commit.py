"""Images that nobody has sent before: those of all requests under way in one transaction.

Under load a transaction an image costs the API and the database more than all else they do for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import insert
from sqlalchemy.orm import Session

from api.uploads.combining_queue import CombiningQueue
from common.database.session import Sessions, clock, execute, insert_missing, transact
from common.errors import Unavailable
from common.predictions import TaskRequest
from common.predictions.create import CREATE, columns
from common.search.outbox import is_findable, note_changed
from common.tables import Image, StoredObject

log = structlog.get_logger(__name__)

PATIENCE = 0.05  # seconds; a transaction takes a tenth of it, and one that hangs holds nobody up
MOST = 64

# Built once: making a statement costs as much as sending it. They have no functions in them, so
# that the driver sends many rows as one INSERT.
ENTER_IMAGE = insert(Image)
ENTER_OBJECT = insert_missing(StoredObject)


class NotNew(Exception):
    """Somebody has sent these bytes before."""


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An image, the bytes it is of, which are in the store, and what is asked of it."""

    image: Image
    stored: StoredObject
    task_requests: Sequence[TaskRequest]


class GroupCommit:
    """Enters them; any thread may call it."""

    def __init__(self, sessions: Sessions):
        self._sessions = sessions
        self._together = CombiningQueue(self._enter, PATIENCE, MOST)

    def enter(self, new: NewUpload) -> datetime | None:
        """When it was entered, by the database's clock. None when it was not and may be by itself:
        with one of those it came together with something is the matter. Raises DatabaseUnavailable,
        CommitUnknown.
        """
        return self._together.do(new)

    def _enter(self, those: Sequence[NewUpload]) -> datetime | None:
        try:
            return transact(self._sessions, partial(enter_all, those=those))
        except Unavailable:
            raise
        except NotNew:
            return None
        except Exception:
            # Whose fault it is shows when each is entered by itself, and the others do not suffer.
            log.exception("could not enter images together", count=len(those))
            return None


def enter_all(session: Session, those: Sequence[NewUpload]) -> datetime:
    """Write the rows of all of them; raises NotNew when the bytes of one are known."""
    at = clock(session)
    # In one order, so that two processes with the same bytes do not lock each other out.
    ordered = sorted(those, key=lambda new: new.stored.sha256)
    objects = [object_columns(new.stored, at) for new in ordered]
    if execute(session, ENTER_OBJECT, objects).rowcount < len(those):
        raise NotNew
    enter_images(session, [new.image for new in those], at)
    rows = [columns(new.image, ask, at) for new in those for ask in new.task_requests]
    if rows:
        execute(session, CREATE, rows)
    return at


def enter_images(session: Session, images: Sequence[Image], at: datetime) -> None:
    """Write the rows of images that were sent `at` this time, and have them indexed."""
    execute(session, ENTER_IMAGE, [_image_columns(image, at) for image in images])
    note_changed(session, (image.id for image in images if is_findable(image)))


def object_columns(stored: StoredObject, at: datetime) -> dict[str, Any]:
    """The row of bytes that were put `at` this time."""
    names = ("sha256", "size", "media_type")
    return {name: getattr(stored, name) for name in names} | {"created_at": at}


def _image_columns(image: Image, at: datetime) -> dict[str, Any]:
    names = ("id", "owner_id", "sha256", "file_name", "width", "height", "visibility")
    return {name: getattr(image, name) for name in names} | {"created_at": at}
