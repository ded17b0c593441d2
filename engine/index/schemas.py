"""Columns and indexes of the tables, and documents as their rows. Imports pyarrow late."""

import random
import time
from collections.abc import Sequence
from typing import Any

from engine.index.documents import FIELDS, Document

LONGEST_TERM = 200  # characters; a whole name as one term is long
TRIES = 12


def texts(documents: Sequence[Document]) -> Any:
    """Return an Arrow table of the documents' texts."""
    rows = [
        {**_common_values(each), **{name: each.texts[name] for name in FIELDS}, "known": each.known}
        for each in documents
    ]
    return _arrow(rows, _columns(0))


def vectors(documents: Sequence[Document], model: str) -> Any:
    """Return an Arrow table of the vectors by this model."""
    import numpy as np

    rows = [
        {**_common_values(each), "vector": np.frombuffer(each.vectors[model], "<f4")}
        for each in documents
    ]
    return _arrow(rows, _columns(len(rows[0]["vector"])))


def open_table(connection: Any, name: str, dimensions: int) -> Any:
    """Open the table with its indexes, or create it. `dimensions` is 0 for the table of texts.

    Another process may create it at the same time: a rejected step is repeated a moment later.
    """
    for attempt in range(TRIES):
        try:
            return _opened(connection, name, dimensions)
        except (RuntimeError, ValueError):
            if attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0.02, 0.2))
    raise AssertionError("unreachable: the last try returns or raises")


def _opened(connection: Any, name: str, dimensions: int) -> Any:
    import pyarrow as pa

    if name in connection.list_tables(limit=1_000).tables:
        table = connection.open_table(name)
        _add_columns(table)
    else:
        schema = pa.schema(_columns(dimensions))
        table = connection.create_table(name, schema=schema, exist_ok=True)
    _create_indexes(table)
    return table


def _common_values(document: Document) -> dict[str, Any]:
    return {
        "id": document.id.bytes,
        "owner": document.owner and document.owner.bytes,
        "public": document.public,
        "read_at": document.read_at,
    }


def _columns(dimensions: int) -> list[Any]:
    import pyarrow as pa

    common = [
        pa.field("id", pa.binary(16), nullable=False),
        pa.field("owner", pa.binary(16)),
        pa.field("public", pa.bool_()),
        pa.field("read_at", pa.int64()),
    ]
    if dimensions:
        return [*common, pa.field("vector", pa.list_(pa.float32(), dimensions))]
    return [*common, *(pa.field(name, pa.string()) for name in (*FIELDS, "known"))]


def _arrow(rows: list[dict[str, Any]], columns: list[Any]) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _add_columns(table: Any) -> None:
    """Add the fields of texts that an earlier version did not know, empty (null)."""
    import pyarrow as pa

    existing = table.schema.names
    if "known" in existing and (missing := [name for name in FIELDS if name not in existing]):
        table.add_columns([pa.field(name, pa.string()) for name in missing])


def _create_indexes(table: Any) -> None:
    from lancedb.index import FTS, Bitmap, BTree

    # common/search/text.py has made the terms: LanceDB only splits them at spaces.
    terms = FTS(
        base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False,
        ascii_folding=False, with_position=False, max_token_length=LONGEST_TERM,
    )  # fmt: skip
    indexes: dict[str, Any] = {"id": BTree(), "owner": BTree(), "public": Bitmap()}
    if "known" in table.schema.names:
        indexes |= dict.fromkeys(FIELDS, terms)
    existing = {column for index in table.list_indices() for column in index.columns}
    for column in indexes.keys() - existing:
        table.create_index(column, config=indexes[column])
