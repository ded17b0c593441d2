"""search: by BM25 and the scores of candidates, or by vectors; then adjusted by votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from common.database.session import execute, read
from common.languages.codes import code_of
from common.languages.word_index import WordIndex
from common.services import Services
from common.settings import Settings
from common.tables import Role, User
from engine.decoding.decoder import Decoder
from engine.index.address import refuse_unfit_store
from engine.index.store import Index, visible_to
from engine.searching.similar_images import find_alike
from engine.searching.text_search import TextSearch
from engine.tasks import WorkerPool

WORKERS, BATCH = 2, 4  # searches are short, and callers wait for them
IS_ADMIN = select(User.id).where(User.id == bindparam("id"), User.role == Role.ADMIN)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query or an image, and the condition for what the caller may see."""

    query: str | None
    image: UUID | None
    seen_by: str
    language: str | None = None


class SearchRunner:
    """The searches of one worker; all workers of the engine share the index."""

    def __init__(self, services: Services, index: Index, words: WordIndex):
        self._sessions = services.sessions
        self._index = index
        self._text = TextSearch(services.sessions, index, words)
        self.model = self._text.model

    def prepare(self, data: bytes, params: dict[str, Any]) -> SearchRequest:
        """Return the request, with what its caller may see."""
        image = params.get("image_id")
        return SearchRequest(
            params.get("query"),
            image and UUID(image),
            self._seen_by(params["asked_by"]),
            code_of(params["lang"]) if params.get("lang") else None,
        )

    def run(
        self, prepared: Sequence[SearchRequest], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the ranked images of each search; raises IndexUnavailable, InputFault."""
        return [self._answer(request) for request in prepared]

    def _answer(self, request: SearchRequest) -> dict[str, Any]:
        if request.image:
            return find_alike(self._sessions, self._index, request.image, request.seen_by)
        return self._text.find(request.query or "", request.seen_by, request.language)

    def _seen_by(self, caller: UUID | None) -> str:
        """Return the condition for what the account may see with its current role."""
        if caller is None:
            return visible_to(None)
        found = read(self._sessions, lambda s: execute(s, IS_ADMIN, {"id": caller}).first())
        return "" if found else visible_to(caller)


def open_worker_pool(services: Services, stop: Event, decoder: Decoder | None = None) -> WorkerPool:
    """Return a pool of its own size, so that no search waits for a long batch of others."""
    index = Index(services.settings.index_url)
    words = WordIndex(services.settings.model_dir)
    return WorkerPool(WORKERS, BATCH, lambda _model: SearchRunner(services, index, words))


def check_settings(settings: Settings) -> None:
    """Raise SettingsError if INDEX_URL names a bucket that cannot hold the index."""
    refuse_unfit_store(settings.index_url)
