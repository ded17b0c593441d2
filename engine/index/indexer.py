"""Brings images into the index, and asks for what was never asked of them."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from common.db import clock, read, transact
from common.predictions import Ask, create
from common.services import Services
from common.tasks import contract
from engine.index.documents import Words
from engine.index.knowledge import Findings, gone, look
from engine.index.store import Index


class Indexer:
    """Writes to the index that the settings name."""

    def __init__(self, services: Services):
        self._sessions = services.sessions
        self._index = Index(services.settings.index_url)
        self._words = Words()

    def index(self, images: Sequence[UUID]) -> int:
        """Index those that are findable, take out the others; returns how many are findable.

        Raises IndexUnavailable. Doing it twice does no harm.
        """
        found = read(self._sessions, lambda session: look(session, images, self._words))
        self._index.write(found.documents)
        # Looked at again when it is written: what was deleted meanwhile must not stay.
        self.drop_gone(images)
        if found.lacking:
            transact(self._sessions, lambda session: _ask(session, found))
        return len(found.documents)

    def indexed(self) -> Iterator[list[UUID]]:
        """The ids of all that is indexed, in pages."""
        return self._index.ids()

    def drop_gone(self, images: Sequence[UUID]) -> None:
        """Take those out that are deleted, or in nobody's results any more."""
        away = read(self._sessions, lambda session: gone(session, images))
        self._index.remove(away)

    def tidy(self) -> None:
        """As the housekeeper does from time to time."""
        self._index.tidy()


def _ask(session: Session, found: Findings) -> None:
    """Whoever can be found should be: labels and a vector are asked for, and announced by the
    housekeeper.
    """
    at = clock(session)
    for image, task in found.lacking:
        wanted = contract(task)
        params = wanted.check_params({})
        asked = Ask(task=task, params=params, deadline=wanted.deadline, owner_id=image.owner_id)
        create(session, image, [asked], at)
