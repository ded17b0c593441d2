"""What people made of what their searches found, what follows from it, and what was searched for.

No foreign keys lead from here: what was learnt of an image, and what was asked on a day, must not
hold up the deletion of an image, an account or an old search.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from common.database.session import now
from common.database.types import Hash
from common.tables.base import UTF8, Base

LONGEST_QUERY = 300  # characters
LONGEST_MODEL = 255


class Vote(Base):
    """One voter's judgement of one image for one query; a later one takes its place.

    `voter` is a keyed hash of an account's id or of an anonymous caller's address. `weight` is in
    thousandths: 0 for one over the caps, which is kept and moves nothing. `day` and `model` are
    those of the search, `day` that of the vote where there was none.
    """

    __tablename__ = "votes"
    __table_args__ = (
        Index("uq_votes_voter", "voter", "image_id", "query_key", unique=True),
        Index("ix_votes_query_key", "query_key", "id"),
        Index("ix_votes_image_id", "image_id"),
        Index("ix_votes_day", "day"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    voter: Mapped[bytes] = mapped_column(Hash)
    image_id: Mapped[UUID]
    query_key: Mapped[bytes] = mapped_column(Hash)  # sha256 of the normalised query
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY))  # normalised
    value: Mapped[int] = mapped_column(SmallInteger)  # 1 or -1
    weight: Mapped[int]
    search_id: Mapped[UUID | None]
    model: Mapped[str | None] = mapped_column(String(LONGEST_MODEL))
    day: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    updated_at: Mapped[datetime] = mapped_column(insert_default=now())


class Voter(Base):
    """How much somebody has voted on their last day; its lock puts their votes in a row."""

    __tablename__ = "voters"
    __table_args__ = (Index("ix_voters_day", "day"), UTF8)

    voter: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    votes: Mapped[int]


class Lesson(Base):
    """What all votes say of an image for one term, or one whole query: `term_key` is its UUIDv5.

    In thousandths of a vote; `net` is `up` less `down`. The index finds the best and the worst, and
    holds all that is read of them.
    """

    __tablename__ = "lessons"
    __table_args__ = (
        Index("ix_lessons_net", "term_key", "net", "up", "down"),
        Index("ix_lessons_image_id", "image_id"),
        UTF8,
    )

    term_key: Mapped[UUID] = mapped_column(primary_key=True)
    image_id: Mapped[UUID] = mapped_column(primary_key=True)
    up: Mapped[int] = mapped_column(BigInteger, default=0)
    down: Mapped[int] = mapped_column(BigInteger, default=0)
    net: Mapped[int] = mapped_column(BigInteger, default=0)


class Click(Base):
    """Somebody looked at a result of a search; `position` is 1 for the first one found."""

    __tablename__ = "clicks"
    __table_args__ = (
        Index("ix_clicks_day", "day"),
        Index("ix_clicks_image_id", "image_id"),
        UTF8,
    )

    search_id: Mapped[UUID] = mapped_column(primary_key=True)
    image_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int | None]
    model: Mapped[str | None] = mapped_column(String(LONGEST_MODEL))
    day: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class SearchDay(Base):
    """How often a query was searched on a day (UTC) with a model, and found nothing."""

    __tablename__ = "search_days"
    __table_args__ = UTF8

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    model: Mapped[str] = mapped_column(String(LONGEST_MODEL), primary_key=True)
    query_key: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY))
    searches: Mapped[int] = mapped_column(default=0)
    misses: Mapped[int] = mapped_column(default=0)
