"""`python -m engine.reindex`: build the search index again from the database, while everything
runs.

Indexed images are written again, missing ones are added, and those that must not be found are
removed.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID
from common.database.session import execute, read
from common.search.outbox import FINDABLE
from common.services import Services
from common.tables import Image
from engine.command_line import run_program
from engine.index.indexer import Indexer

PAGE = 500  # images read and written at once

COUNT = select(func.count()).select_from(Image).where(FINDABLE)
AFTER = (
    select(Image.id).where(Image.id > bindparam("after"), FINDABLE).order_by(Image.id).limit(PAGE)
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if everything is indexed, else 1."""
    argparse.ArgumentParser(prog="python -m engine.reindex", description=__doc__).parse_args(
        arguments
    )

    def work(services: Services) -> int:
        print(f"{reindex(services)} images are indexed.")
        return 0

    return run_program("reindex", work)


def reindex(services: Services) -> int:
    """Index every findable image and remove all others; return the number of indexed images.

    Raises Unavailable, IndexUnavailable.
    """
    indexer = Indexer(services)
    with _progress() as progress:
        total = read(services.sessions, lambda session: session.scalar(COUNT)) or 0
        task = progress.add_task("indexing", total=total)
        count = 0
        for page in _pages(services):
            count += indexer.index(page)
            indexer.tidy_when_due()
            progress.update(task, completed=count)
        for page in indexer.indexed():
            indexer.drop_gone(page)
        progress.update(task, description="tidying")
        indexer.tidy()
    return count


def _pages(services: Services) -> Iterator[list[UUID]]:
    after = FIRST_ID
    while page := read(services.sessions, lambda session, after=after: _page(session, after)):  # type: ignore[misc]
        yield page
        after = page[-1]


def _page(session: Session, after: UUID) -> list[UUID]:
    return [row.id for row in execute(session, AFTER, {"after": after})]


def _progress() -> Progress:
    columns: list[Any] = [
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ]  # fmt: skip
    return Progress(*columns)


if __name__ == "__main__":
    sys.exit(main())
