"""Rows as typed objects: NamedTuples or frozen dataclasses whose fields name the columns."""

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import CursorResult

T = TypeVar("T")


def rows_as(kind: type[T], result: CursorResult[Any]) -> list[T]:
    """All rows of the result as `kind`; raises TypeError unless its fields begin with the result's
    columns, in the same order.
    """
    _check(kind, result)
    rows: Iterable[Any] = result
    return [kind(*row) for row in rows]


def first_as(kind: type[T], result: CursorResult[Any]) -> T | None:
    """The first row of the result as `kind`; None if there are no rows."""
    _check(kind, result)
    row: Any = result.first()
    return None if row is None else kind(*row)


def _check(kind: Any, result: CursorResult[Any]) -> None:
    columns = tuple(result.keys())
    if kind.__match_args__[: len(columns)] != columns:
        raise TypeError(f"The columns {columns} do not match the fields of {kind.__name__}.")
