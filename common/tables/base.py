"""The base class of all tables, and the values of their enumerated columns."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import DeclarativeBase

from common.database.types import Id, Moment

UTF8 = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


class State(StrEnum):
    """The state of a prediction; the last four are final."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether the prediction will never change again."""
        return self not in (State.QUEUED, State.PROCESSING)


class Visibility(StrEnum):
    """Who may see an image and its predictions: its owner, everyone who knows its id, or everyone
    (public images also appear in lists and searches).
    """

    PRIVATE = "private"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Role(StrEnum):
    """The role of an account; each one includes the rights of those before it."""

    USER = "user"
    ML = "ml"
    ADMIN = "admin"


class Base(DeclarativeBase):
    """Base class of all tables."""

    # Explicit names, so that migrations can refer to constraints on every backend.
    metadata = MetaData(
        naming_convention={
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it as a plain class attribute)
        UUID: Id,
        datetime: Moment,
        dict[str, Any]: JSON(none_as_null=True),
    }
