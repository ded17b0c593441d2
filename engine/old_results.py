"""The housekeeper's jobs that delete predictions and images which are older than RETENTION_DAYS."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from common.database.session import transact
from common.errors import Unavailable
from common.housekeeping import garbage
from common.housekeeping.old_results import (
    Piece,
    remove_old_predictions,
    remove_predictions_of_old_images,
)
from common.images import remove_unused_images
from common.services import Services
from engine.pauses import Pace

log = structlog.get_logger(__name__)
LONGEST = 60.0  # seconds of one run; the next one continues
COUNTED = ("images", "predictions")  # the names of the rows in metrics and logs


def remove_images(services: Services) -> int:
    """Delete old images without an owner and a post, with their predictions and bytes; return the
    number of deleted rows.
    """
    return _walk(services, remove_predictions_of_old_images)


def remove_predictions(services: Services) -> int:
    """Delete old predictions of other images that newer ones have replaced; return their number."""
    return _walk(services, remove_old_predictions)


def _walk(services: Services, work: Callable[[Session, int], Piece]) -> int:
    """Run `work` until it has reached its end, at most LONGEST seconds, with a pause after each
    transaction. Returns the number of deleted rows; 0 without RETENTION_DAYS.
    """
    if (days := services.settings.retention_days) is None:
        return 0
    removed, pace = Counter[str](), Pace(LONGEST)
    try:
        while not pace.is_over:
            piece = transact(services.sessions, lambda session: work(session, days))
            removed["predictions"] += piece.predictions
            if piece.is_last:
                break
            pace.pause()
            if piece.unused_images:
                removed["images"] += _remove_images(services, piece.unused_images, pace)
    finally:
        _report(services, removed)
    return removed.total()


def _remove_images(services: Services, ids: Sequence[UUID], pace: Pace) -> int:
    """Delete images that are not used again meanwhile, and the bytes that no other image has;
    return the number of images.
    """
    images = transact(services.sessions, partial(remove_unused_images, ids=ids))
    pace.pause()
    for digest in images.condemned:
        _delete_bytes(services, digest)
        pace.pause()
    return images.count


def _delete_bytes(services: Services, digest: bytes) -> None:
    delete = partial(garbage.delete_object, storage=services.storage, digest=digest)
    try:
        transact(services.sessions, delete)
    except Unavailable as error:  # the job for condemned objects deletes them later
        log.warning("bytes could not be deleted", error=error.detail)


def _report(services: Services, removed: Counter[str]) -> None:
    for rows, count in removed.items():
        if count:
            services.metrics.rows_removed[rows].inc(count)
            log.info("rows removed", rows=rows, count=count)
