"""The index in LanceDB: one table of texts, and one of vectors for each model.

LanceDB is imported when an index is opened. A table that is missing at its use is created, empty.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog

from common.errors import SettingsError, TryLater, Unavailable
from engine.index import maintenance, schemas, writes
from engine.index.address import check_index_store, parse_index_url
from engine.index.cache_limits import INDEX_CACHE, METADATA_CACHE, use_system_allocator
from engine.index.documents import Document
from engine.index.low_priority import low_priority_thread
from engine.index.vector_index import PROBES, REFINE

log = structlog.get_logger(__name__)
T = TypeVar("T")

TEXTS = "texts-2"  # ends with the schema's version: each version has a table of its own
VECTORS = "vectors-1-"  # followed by a digest of the model's reference
FRESH = 0.5  # seconds after which a reader checks for writes of other processes
PAGE = 1_000  # ids per page
AWAY = "The search index does not answer. The engine retries by itself."
DELAY = 5.0  # seconds until an index that does not answer is tried again


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found by a text query."""

    id: UUID
    bm25: float
    known: str
    texts: dict[str, str]  # the fields that are not in `known`


class IndexUnavailable(TryLater):
    """The index's folder or bucket does not answer or denies access."""

    default_code = "index_unavailable"


class Index:
    """An open index; thread-safe.

    `seen_by` is a condition from `visible_to`. Methods raise IndexUnavailable.
    """

    def __init__(self, url: str, cache: int = INDEX_CACHE):
        """Open the index at its first use. `cache` is the memory for indexes of the tables, in
        bytes.
        """
        self._address = parse_index_url(url)
        self._url = url
        self._is_checked = False
        self._cache = cache
        self._lock = threading.Lock()
        self._connection: Any = None
        self._tables: dict[str, Any] = {}
        self._upkeep = low_priority_thread("index-upkeep")

    def write(self, documents: Sequence[Document]) -> None:
        """Write these documents; each replaces a document of the same image that was read
        earlier.
        """
        if not documents:
            return
        self._do(TEXTS, lambda table: writes.merge(table, schemas.texts(documents)))
        for model in {model for document in documents for model in document.vectors}:
            having = [document for document in documents if model in document.vectors]
            name, rows = vectors_of(model), schemas.vectors(having, model)
            size = rows.schema.field("vector").type.list_size
            self._do(name, lambda table, rows=rows: writes.merge(table, rows), size)  # type: ignore[misc]

    def remove(self, ids: Iterable[UUID]) -> None:
        """Remove these images from all tables."""
        if these := ", ".join(f"X'{id.hex}'" for id in ids):
            for name in self._names():
                self._do(name, lambda table: writes.delete(table, f"id IN ({these})"))

    def find(self, text: str, boosts: dict[str, float], seen_by: str, limit: int) -> list[Hit]:
        """Return the best documents by BM25 for a text of terms; each counts by its best field.
        Best first.
        """
        from lancedb.query import FullTextOperator, MultiMatchQuery

        fields, factors = list(boosts), list(boosts.values())
        match = MultiMatchQuery(text, fields, boosts=factors, operator=FullTextOperator.OR)
        returned = ["caption", "posts", "file_name", "text"]

        def ask(table: Any) -> Any:
            query = table.search(match, query_type="fts")
            query = query.where(seen_by, prefilter=True) if seen_by else query
            return query.select(["id", "known", *returned, "_score"]).limit(limit).to_arrow()

        return [
            Hit(UUID(bytes=row["id"]), row["_score"], row["known"], texts)
            for row in self._do(TEXTS, ask).to_pylist()
            for texts in [{name: row[name] or "" for name in returned}]
        ]

    def alike(self, model: str, vector: Any, seen_by: str, limit: int) -> list[tuple[UUID, float]]:
        """Return the nearest of this model's vectors with their cosine similarity,
        nearest first.
        """

        def ask(table: Any) -> Any:
            query = table.search(vector, vector_column_name="vector").distance_type("cosine")
            query = query.where(seen_by, prefilter=True) if seen_by else query
            query = query.nprobes(PROBES).refine_factor(REFINE)
            return query.select(["id", "_distance"]).limit(limit).to_arrow()

        found = self._do(vectors_of(model), ask, len(vector)).to_pylist()
        return [(UUID(bytes=row["id"]), 1.0 - row["_distance"]) for row in found]

    def vectors(
        self, model: str, dimensions: int, ids: Iterable[UUID], seen_by: str
    ) -> dict[UUID, Any]:
        """Return this model's vectors of those of the images that the caller may see, float32
        [dimensions].
        """
        if not (these := ", ".join(f"X'{id.hex}'" for id in ids)):
            return {}
        condition = f"id IN ({these})" + (f" AND {seen_by}" if seen_by else "")

        def ask(table: Any) -> Any:
            return table.search().where(condition).select(["id", "vector"]).to_arrow()

        found = self._do(vectors_of(model), ask, dimensions)
        flat = found.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        names = [UUID(bytes=id) for id in found.column("id").to_pylist()]
        return dict(zip(names, flat.reshape(len(names), dimensions), strict=True))

    def ids(self) -> Iterator[list[UUID]]:
        """Yield all ids of the texts, in pages.

        All are read at once, 16 bytes each, because a version that is read slowly may be removed
        meanwhile.
        """
        found = self._do(TEXTS, lambda table: table.search().select(["id"]).to_arrow())
        for batch in found.to_batches(max_chunksize=PAGE):
            yield [UUID(bytes=id) for id in batch.column("id").to_pylist()]

    def count(self) -> int:
        """Return the number of indexed images."""
        return int(self._do(TEXTS, lambda table: table.count_rows()))

    def holdings(self) -> list[dict[str, Any]]:
        """Return the name, rows, versions and fragments of each table."""
        return [self._do(name, _holdings) for name in self._names()]

    def tidy(self) -> int:
        """Merge small files, update the indexes and remove old versions; return the number of
        tables done. A table that others are writing to may be left for the next run.

        The work has a low priority, so that searches and other tasks go on meanwhile.
        """
        return self._upkeep.submit(self._tidy).result()

    def _tidy(self) -> int:
        def tidy(table: Any) -> bool:
            return maintenance.tidy(table, self._address)

        return sum(self._do(name, tidy) for name in self._names())

    def _names(self) -> list[str]:
        def ours(_table: Any) -> list[str]:
            tables = self._connection.list_tables(limit=1_000).tables
            return [name for name in tables if name.startswith((TEXTS, VECTORS))]

        return self._do(TEXTS, ours)

    def _do(self, name: str, work: Callable[[Any], T], dimensions: int = 0) -> T:
        """Run `work` on a table; if the index has gone, repeat it on a new one."""
        try:
            return work(self._table(name, dimensions))
        except (RuntimeError, OSError) as error:
            log.warning("the index is opened again", table=name, error=_short(error))
            self._forget()
        try:
            return work(self._table(name, dimensions))
        except (RuntimeError, OSError) as error:
            raise IndexUnavailable(AWAY, delay=DELAY, counts=False) from error

    def _table(self, name: str, dimensions: int) -> Any:
        with self._lock:
            if name not in self._tables:
                self._connection = self._connection or self._connect()
                self._tables[name] = schemas.open_table(self._connection, name, dimensions)
            return self._tables[name]

    def _connect(self) -> Any:
        import lancedb

        self._check()
        use_system_allocator()
        uri, options = self._address
        return lancedb.connect(
            uri,
            storage_options=options,
            read_consistency_interval=timedelta(seconds=FRESH),
            session=lancedb.Session(self._cache, METADATA_CACHE),
        )

    def _check(self) -> None:
        if not self._is_checked:
            try:
                check_index_store(self._url)
            except (Unavailable, SettingsError) as error:
                raise IndexUnavailable(AWAY, delay=DELAY, counts=False) from error
        self._is_checked = True

    def _forget(self) -> None:
        with self._lock:
            self._connection = None
            self._tables.clear()


def visible_to(owner: UUID | None) -> str:
    """Return the condition for public documents and those of `owner`."""
    return "public" if owner is None else f"(public OR owner = X'{owner.hex}')"


def vectors_of(model: str) -> str:
    """Return the name of the table with vectors by this model (name@version)."""
    return VECTORS + hashlib.sha256(model.encode()).hexdigest()[:16]


def _holdings(table: Any) -> dict[str, Any]:
    return {
        "table": table.name,
        "rows": table.count_rows(),
        "versions": len(table.list_versions()),
        "fragments": table.stats()["fragment_stats"]["num_fragments"],
    }


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
