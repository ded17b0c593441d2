"""The index in LanceDB: one table of texts, and one of vectors for each model that makes them.

Only here is lancedb imported, and only when an index is opened. Tables are made when they are first
asked for: an index that was deleted while it was open comes back, empty.
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
from engine.index import maintenance, schemas
from engine.index.address import check_index_store, parse_index_url
from engine.index.cache_limits import INDEX_CACHE, METADATA_CACHE, use_system_allocator
from engine.index.documents import Document

log = structlog.get_logger(__name__)
T = TypeVar("T")

TEXTS = "texts-2"  # the number is the schema's: another one begins a table of its own
VECTORS = "vectors-1-"  # and the digest of the model's reference
FRESH = 0.5  # seconds after which a reader looks for what others have written
PROBES, REFINE = 16, 3  # of 128 partitions; so many times the results are compared exactly
PAGE = 1_000  # ids
AWAY = "The search index does not answer. The engine tries again by itself."
DELAY = 5.0  # seconds until an index that does not answer is tried again


class IndexUnavailable(TryLater):
    """The index's folder or bucket does not answer, or refuses us."""

    default_code = "index_unavailable"


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that a text query has found."""

    id: UUID
    bm25: float
    known: str
    texts: dict[str, str]  # of the fields that are not in `known`


class Index:
    """An open index; every method may be called from any thread.

    `seen_by` is a condition from `visible_to`. Raises IndexUnavailable.
    """

    def __init__(self, url: str, cache: int = INDEX_CACHE):
        """`cache` is how many bytes of the tables' indexes are kept in memory."""
        self._uri, self._options = parse_index_url(url)
        self._url = url
        self._is_checked = False
        self._cache = cache
        self._lock = threading.Lock()
        self._connection: Any = None
        self._tables: dict[str, Any] = {}

    def write(self, documents: Sequence[Document]) -> None:
        """Put these in, in place of what was read of the same images earlier."""
        if not documents:
            return
        self._do(TEXTS, lambda table: _merge(table, schemas.texts(documents)))
        for model in {model for document in documents for model in document.vectors}:
            having = [document for document in documents if model in document.vectors]
            name, rows = vectors_of(model), schemas.vectors(having, model)
            size = rows.schema.field("vector").type.list_size
            self._do(name, lambda table, rows=rows: _merge(table, rows), size)  # type: ignore[misc]

    def remove(self, ids: Iterable[UUID]) -> None:
        """Take these out, from all tables."""
        if these := ", ".join(f"X'{id.hex}'" for id in ids):
            for name in self._names():
                self._do(name, lambda table: _delete(table, f"id IN ({these})"))

    def find(self, text: str, boosts: dict[str, float], seen_by: str, most: int) -> list[Hit]:
        """The best by BM25 for a text of terms, by the field that matches best; best first."""
        from lancedb.query import FullTextOperator, MultiMatchQuery

        fields, factors = list(boosts), list(boosts.values())
        wanted = MultiMatchQuery(text, fields, boosts=factors, operator=FullTextOperator.OR)
        told = ["caption", "posts", "file_name"]

        def ask(table: Any) -> Any:
            query = table.search(wanted, query_type="fts")
            query = query.where(seen_by, prefilter=True) if seen_by else query
            return query.select(["id", "known", *told, "_score"]).limit(most).to_arrow()

        return [
            Hit(UUID(bytes=row["id"]), row["_score"], row["known"], {n: row[n] for n in told})
            for row in self._do(TEXTS, ask).to_pylist()
        ]

    def alike(self, model: str, vector: Any, seen_by: str, most: int) -> list[tuple[UUID, float]]:
        """The nearest of this model's vectors with their cosine similarity, nearest first."""

        def ask(table: Any) -> Any:
            query = table.search(vector, vector_column_name="vector").distance_type("cosine")
            query = query.where(seen_by, prefilter=True) if seen_by else query
            query = query.nprobes(PROBES).refine_factor(REFINE)
            return query.select(["id", "_distance"]).limit(most).to_arrow()

        found = self._do(vectors_of(model), ask, len(vector)).to_pylist()
        return [(UUID(bytes=row["id"]), 1.0 - row["_distance"]) for row in found]

    def vectors(
        self, model: str, dimensions: int, ids: Iterable[UUID], seen_by: str
    ) -> dict[UUID, Any]:
        """This model's vectors of those of the images that may be found, float32 [dimensions]."""
        if not (these := ", ".join(f"X'{id.hex}'" for id in ids)):
            return {}
        wanted = f"id IN ({these})" + (f" AND {seen_by}" if seen_by else "")

        def ask(table: Any) -> Any:
            return table.search().where(wanted).select(["id", "vector"]).to_arrow()

        found = self._do(vectors_of(model), ask, dimensions)
        flat = found.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        names = [UUID(bytes=id) for id in found.column("id").to_pylist()]
        return dict(zip(names, flat.reshape(len(names), dimensions), strict=True))

    def ids(self) -> Iterator[list[UUID]]:
        """All ids of the texts, in pages.

        Read at once, 16 bytes each: a version that is read slowly may be removed meanwhile.
        """
        found = self._do(TEXTS, lambda table: table.search().select(["id"]).to_arrow())
        for batch in found.to_batches(max_chunksize=PAGE):
            yield [UUID(bytes=id) for id in batch.column("id").to_pylist()]

    def count(self) -> int:
        """How many images are indexed."""
        return int(self._do(TEXTS, lambda table: table.count_rows()))

    def holdings(self) -> list[dict[str, Any]]:
        """What each table holds: its name, rows, versions and fragments."""
        return [self._do(name, _holdings) for name in self._names()]

    def tidy(self) -> int:
        """Merge small files, index what was written since, remove old versions; returns how many
        tables that was done for. A table that others write to may be left for the next time.
        """
        return sum(self._do(name, maintenance.tidy) for name in self._names())

    def _names(self) -> list[str]:
        def ours(_table: Any) -> list[str]:
            tables = self._connection.list_tables(limit=1_000).tables
            return [name for name in tables if name.startswith((TEXTS, VECTORS))]

        return self._do(TEXTS, ours)

    def _do(self, name: str, work: Callable[[Any], T], dimensions: int = 0) -> T:
        """Run `work` on a table. If the index has gone, once more on the new one."""
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
        return lancedb.connect(
            self._uri,
            storage_options=self._options,
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
    """What everybody may find, and what is the owner's."""
    return "public" if owner is None else f"(public OR owner = X'{owner.hex}')"


def vectors_of(model: str) -> str:
    """The table of the vectors that this model (name@version) has made."""
    return VECTORS + hashlib.sha256(model.encode()).hexdigest()[:16]


def _merge(table: Any, rows: Any) -> None:
    """Two engines may have read the same image: what was read later stays."""
    newer = "target.read_at <= source.read_at"

    def merge(table: Any) -> None:
        merge = table.merge_insert("id").when_matched_update_all(where=newer)
        merge.when_not_matched_insert_all().execute(rows)

    maintenance.retried(table, merge)


def _delete(table: Any, which: str) -> None:
    maintenance.retried(table, lambda table: table.delete(which))


def _holdings(table: Any) -> dict[str, Any]:
    return {
        "table": table.name,
        "rows": table.count_rows(),
        "versions": len(table.list_versions()),
        "fragments": table.stats()["fragment_stats"]["num_fragments"],
    }


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
