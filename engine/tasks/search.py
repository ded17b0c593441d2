"""search: by BM25 and by what is known of the candidates, or by vectors; then what was learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from common.database.session import execute, read
from common.services import Services
from common.settings import Settings
from common.tables import Role, User
from engine.decoding.decoder import Decoder
from engine.index.address import refuse_unfit_store
from engine.index.store import Index, visible_to
from engine.searching.similar_images import find_alike
from engine.searching.text_search import TextSearch
from engine.tasks import WorkerPool

WORKERS, BATCH = 2, 4  # searches are short, and people wait for them
IS_ADMIN = select(User.id).where(User.id == bindparam("id"), User.role == Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for, and the condition of what may be found."""

    query: str | None
    image: UUID | None
    seen_by: str


class SearchRunner:
    """One worker's searches, in an index that all of its engine's workers share."""

    def __init__(self, services: Services, index: Index):
        self._sessions = services.sessions
        self._index = index
        self._text = TextSearch(services.sessions, index)
        self.model = self._text.model

    def prepare(self, data: bytes, params: dict[str, Any]) -> Wish:
        """What is asked, by whom."""
        image = params.get("image_id")
        return Wish(params.get("query"), image and UUID(image), self._seen_by(params["asked_by"]))

    def run(
        self, prepared: Sequence[Wish], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The ranked images of each search; raises IndexUnavailable, InputFault."""
        return [self._answer(wish) for wish in prepared]

    def _answer(self, wish: Wish) -> dict[str, Any]:
        if wish.image:
            return find_alike(self._sessions, self._index, wish.image, wish.seen_by)
        return self._text.find(wish.query or "", wish.seen_by)

    def _seen_by(self, caller: UUID | None) -> str:
        """By the role that the account has now."""
        if caller is None:
            return visible_to(None)
        found = read(self._sessions, lambda s: execute(s, IS_ADMIN, {"id": caller}).first())
        return "" if found else visible_to(caller)


def open_worker_pool(services: Services, stop: Event, decoder: Decoder | None = None) -> WorkerPool:
    """A crew of its own, so that no search waits for a long batch of others."""
    index = Index(services.settings.index_url)
    return WorkerPool(WORKERS, BATCH, lambda _model: SearchRunner(services, index))


def check_settings(settings: Settings) -> None:
    """Raise SettingsError if INDEX_URL names a bucket that cannot hold the index."""
    refuse_unfit_store(settings.index_url)
