"""The caller's own images: list them, find them by their sha256, change and delete them."""

from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from api.accounts.permissions import require_account
from api.http.pagination import Page, by_id, read_signed_page
from api.predictions.queries import find_image, no_such_image
from api.state import app_state, current_user, read, services, write
from common import images
from common.callers import may_change
from common.errors import Unavailable
from common.housekeeping import garbage
from common.images import Removed
from common.images.records import StoredImage
from common.images.validation import clean_file_name
from common.social.lists import ListCursor
from common.tables import Image, StoredObject

log = structlog.get_logger(__name__)
AT_ONCE = 50  # images that one transaction removes


def page(query: dict[str, Any]) -> Page[StoredImage]:
    """A page of the caller's images, newest first."""
    owner = require_account()

    def fetch(session: Session, after: ListCursor, limit: int) -> list[StoredImage]:
        return images.list_images(session, owner, after.id, limit)

    return read_signed_page(query, f"images of {owner}", fetch, by_id)


def check(digests: list[str]) -> dict[str, Any]:
    """Of these sha256 in hexadecimal: those of the caller's images, and those that are missing."""
    owner, wanted = require_account(), {bytes.fromhex(each): each.lower() for each in digests}
    have = read(partial(images.find_by_sha256, owner_id=owner, digests=list(wanted)))
    return {
        "known": [
            {"sha256": shown, "image_id": have[digest]}
            for digest, shown in wanted.items()
            if digest in have
        ],
        "missing": [shown for digest, shown in wanted.items() if digest not in have],
    }


def find_mine(id: str) -> tuple[Image, StoredObject]:
    """An image that the caller may change; raises NotFound for other images."""
    require_account()
    image, stored = find_image(id)
    if not may_change(current_user(), image):
        raise no_such_image()
    return image, stored


def change(id: str, wanted: dict[str, str]) -> None:
    """Change the visibility or the file name of the caller's image."""
    image, stored = find_mine(id)
    name = wanted.get("file_name")
    clean = clean_file_name(name, stored.media_type) if name is not None else None

    def apply_changes(session: Session) -> None:
        exists = True
        if "visibility" in wanted:
            exists = images.set_visibility(session, image.id, wanted["visibility"])
        if exists and clean is not None:
            exists = images.rename(session, image.id, clean)
        if not exists:
            raise no_such_image()

    write(apply_changes)


def remove(id: str) -> None:
    """Delete the caller's image with all rows that refer to it, and its bytes unless another image
    has the same.

    Requests that wait for one of its predictions are answered with 404 at once.
    """
    image, _ = find_mine(id)
    some = partial(images.remove_image, image_id=image.id)
    gone = write(some)
    if gone is None:
        raise no_such_image()
    while gone:
        _follow(gone)
        gone = None if gone.is_done else write(some)


def remove_all_of(owner: UUID) -> None:
    """Delete all images of an account, AT_ONCE in each transaction."""
    some = partial(images.remove_images_of, owner_id=owner, limit=AT_ONCE)
    while gone := write(some):
        for each in gone:
            _follow(each)


def _follow(gone: Removed) -> None:
    app_state().announcer.finished(gone.predictions)
    if gone.condemned:
        _clear_away(gone.condemned)


def _clear_away(digest: bytes) -> None:
    delete = partial(garbage.delete_object, storage=services().storage, digest=digest)
    try:
        write(delete)
    except Unavailable as error:
        log.warning("bytes are left to the housekeeper", error=error.detail)
