"""Group commit: the new uploads of concurrent requests are inserted in one transaction.

Under load a transaction for each image costs the API and the database more than all other work that
they do for it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from api.uploads.combining_queue import CombiningQueue
from api.uploads.new_upload import NewUpload
from api.uploads.recall import recall_group
from api.uploads.writer import ContentExists, insert_group
from common.database.session import Sessions, transact
from common.errors import Unavailable

log = structlog.get_logger(__name__)

PATIENCE = 0.05  # seconds; ten times what a transaction takes
LIMIT = 64  # uploads of one transaction


class GroupCommit(CombiningQueue[NewUpload, datetime | None]):
    """Inserts uploads as `insert_together` does; any thread may call `run`."""

    def __init__(self, sessions: Sessions):
        super().__init__(partial(insert_together, sessions), PATIENCE, LIMIT)


def insert_together(sessions: Sessions, uploads: Sequence[NewUpload]) -> datetime | None:
    """Insert all uploads in one transaction and return its time by the database's clock.

    Returns None if nothing was inserted because of one of the uploads; each of them then has to be
    inserted alone. Raises DatabaseUnavailable, CommitUnknown.
    """
    try:
        return transact(
            sessions,
            partial(insert_group, uploads=uploads),
            recall=partial(recall_group, uploads=uploads),
        )
    except Unavailable:
        raise
    except ContentExists:
        return None
    except Exception:
        # Inserting each alone shows which one is at fault, and the others succeed.
        log.exception("could not insert images together", count=len(uploads))
        return None
