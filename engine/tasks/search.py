"""search: by a text and votes, by vectors, or by vectors and fingerprints."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from common.callers import ANONYMOUS, Caller
from common.database.session import execute, read
from common.languages.codes import code_of
from common.languages.word_index import WordIndex
from common.services import Services
from common.settings import Settings
from common.tables import Role, User
from engine.decoding.decoder import Decoder
from engine.duplicates.copies import find_copies
from engine.index.address import refuse_unfit_store
from engine.index.store import Index
from engine.searching.similar_images import find_alike
from engine.searching.text_search import TextSearch
from engine.searching.visibility import condition_for
from engine.tasks import WorkerPool

WORKERS, BATCH = 2, 4  # searches are short, and callers wait for them
ROLE = select(User.role).where(User.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query, an image whose like are searched, or one whose copies are; and the caller."""

    query: str | None
    image: UUID | None
    copies_of: UUID | None
    caller: Caller
    language: str | None = None


class SearchRunner:
    """The searches of one worker; all workers of the engine share the index."""

    def __init__(self, services: Services, index: Index, words: WordIndex):
        self._sessions = services.sessions
        self._index = index
        self._text = TextSearch(services.sessions, index, words)
        self.model = self._text.model

    def prepare(self, data: bytes, params: dict[str, Any]) -> SearchRequest:
        """Return the request, with the current role of its caller."""
        image, copies_of = (_id(params.get(name)) for name in ("image_id", "copies_of"))
        return SearchRequest(
            params.get("query"),
            image,
            copies_of,
            self._caller(params["asked_by"]),
            code_of(params["lang"]) if params.get("lang") else None,
        )

    def run(
        self, prepared: Sequence[SearchRequest], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the ranked images of each search; raises IndexUnavailable, InputFault."""
        return [self._answer(request) for request in prepared]

    def _answer(self, request: SearchRequest) -> dict[str, Any]:
        if request.copies_of:
            return find_copies(self._sessions, self._index, request.copies_of, request.caller)
        seen_by = condition_for(request.caller)
        if request.image:
            return find_alike(self._sessions, self._index, request.image, seen_by)
        return self._text.find(request.query or "", seen_by, request.language)

    def _caller(self, account: UUID | None) -> Caller:
        if account is None:
            return ANONYMOUS
        role = read(self._sessions, lambda s: execute(s, ROLE, {"id": account}).scalar())
        return Caller(account, role=role or Role.USER)


def _id(param: str | None) -> UUID | None:
    return UUID(param) if param else None


def open_worker_pool(services: Services, stop: Event, decoder: Decoder | None = None) -> WorkerPool:
    """Return a pool of its own size, so that no search waits for a long batch of others."""
    index = Index(services.settings.index_url)
    words = WordIndex(services.settings.model_dir)
    return WorkerPool(WORKERS, BATCH, lambda _model: SearchRunner(services, index, words))


def check_settings(settings: Settings) -> None:
    """Raise SettingsError if INDEX_URL names a bucket that cannot hold the index."""
    refuse_unfit_store(settings.index_url)
