"""Tables of feedback on search results, term scores learned from it, and search analytics.

They have no foreign keys: feedback and analytics must not delay the deletion of an image, an
account or an old search.
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
    """One voter's judgement of one image for one query; a later vote replaces it.

    `voter` is a keyed hash of an account's id or of an anonymous caller's network. `weight` is in
    thousandths; it is 0 for a vote over the limits, which is stored but changes no score. `day` and
    `model` are those of the search; without a search, `day` is that of the vote.
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
    query_key: Mapped[bytes] = mapped_column(Hash)  # sha256 of the normalized query
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY))  # normalized
    value: Mapped[int] = mapped_column(SmallInteger)  # 1 or -1
    weight: Mapped[int]
    search_id: Mapped[UUID | None]
    model: Mapped[str | None] = mapped_column(String(LONGEST_MODEL))
    day: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    updated_at: Mapped[datetime] = mapped_column(insert_default=now())


class Voter(Base):
    """The number of votes of a voter on the last day on which they voted. Locking the row
    serializes the voter's votes.
    """

    __tablename__ = "voters"
    __table_args__ = (Index("ix_voters_day", "day"), UTF8)

    voter: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    votes: Mapped[int]


class TermScore(Base):
    """The sum of all votes on an image for one term or one whole query, of which `term_key` is the
    UUIDv5.

    In thousandths of a vote; `net` is `up` minus `down`. The index `ix_lessons_net` covers the
    query for the best and the worst images of a term.
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
    """A visit to a result of a search; `position` is its place in the results, from 1."""

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
    """The number of searches for a query on a day (UTC) with a model, and of those without a
    result (`misses`).
    """

    __tablename__ = "search_days"
    __table_args__ = UTF8

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    model: Mapped[str] = mapped_column(String(LONGEST_MODEL), primary_key=True)
    query_key: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY))
    searches: Mapped[int] = mapped_column(default=0)
    misses: Mapped[int] = mapped_column(default=0)
