"""What all tables share, and the words that their columns hold."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import DeclarativeBase

from common.database.types import Id, Moment

UTF8 = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


class State(StrEnum):
    """The life of a prediction; the last four never change again."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self not in (State.QUEUED, State.PROCESSING)


class Visibility(StrEnum):
    """Who may see an image and its predictions: its owner, whoever has the id, everyone."""

    PRIVATE = "private"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Role(StrEnum):
    """What an account may do; each role may do all that those before it may."""

    USER = "user"
    ML = "ml"
    ADMIN = "admin"


class Base(DeclarativeBase):
    """What all tables share."""

    # Names of our own, so that migrations can speak of constraints on every backend.
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
