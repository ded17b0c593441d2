"""Search conditions that several tables share: ids, and owners by name."""

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
    """Return a condition per column that it equals the id `text`; empty if it is not an id."""
    id: UUID | None = parse_id(text)
    return [column == id for column in columns] if id else []


def by_owner(text: str, owner: InstrumentedAttribute[Any]) -> list[ColumnElement[bool]]:
    """Return the condition that the owner has this name, if the text begins with @."""
    if not text.startswith(OWNER):
        return []
    account = select(User.id).where(User.name_key == name_key(text.removeprefix(OWNER)))
    return [owner == account.scalar_subquery()]


def begins_with(column: InstrumentedAttribute[str], key: str) -> ColumnElement[bool]:
    """Return a range condition, which uses the index on every database; LIKE does not on SQLite."""
    return column.between(key, key + LAST_CHARACTER)
