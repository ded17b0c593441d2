"""What can be looked for in more than one table: ids, and owners by their names."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from common.accounts.names import name_key
from common.database.ids import parse_id
from common.tables import User

LAST_CHARACTER = "\U0010ffff"
OWNER = "@"  # in front of an owner's name


def by_id(text: str, *columns: InstrumentedAttribute[Any]) -> list[ColumnElement[bool]]:
    """That one of the columns is the id that the text spells; empty when it spells none."""
    id: UUID | None = parse_id(text)
    return [column == id for column in columns] if id else []


def by_owner(text: str, owner: InstrumentedAttribute[Any]) -> list[ColumnElement[bool]]:
    """That it belongs to the account of that name, for a text that begins with @."""
    if not text.startswith(OWNER):
        return []
    account = select(User.id).where(User.name_key == name_key(text.removeprefix(OWNER)))
    return [owner == account.scalar_subquery()]


def begins_with(column: InstrumentedAttribute[str], key: str) -> ColumnElement[bool]:
    """As a range, which every backend finds by the index; LIKE is not found so by SQLite."""
    return column.between(key, key + LAST_CHARACTER)
