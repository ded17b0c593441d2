"""Column types that behave alike on SQLite, MariaDB and MySQL."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import BINARY, DateTime, Dialect, LargeBinary
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator


class Id(TypeDecorator[UUID]):
    """A UUID as BINARY(16), which every backend sorts by its bytes: UUIDv7 by time of creation."""

    impl = BINARY(16).with_variant(LargeBinary(), "sqlite")
    cache_ok = True

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> bytes | None:
        """Convert a UUID to its 16 bytes."""
        return None if value is None else value.bytes

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> UUID | None:
        """Convert 16 bytes to a UUID."""
        return None if value is None else UUID(bytes=bytes(value))


class Hash(TypeDecorator[bytes]):
    """A sha256: 32 bytes."""

    impl = BINARY(32).with_variant(LargeBinary(), "sqlite")
    cache_ok = True


class Moment(TypeDecorator[datetime]):
    """A UTC time with microseconds: DATETIME(6); aware in Python, naive in the database."""

    impl = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware time to a naive one in UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Mark the naive time as UTC."""
        return None if value is None else value.replace(tzinfo=UTC)
