"""Groups of copies: each image is in one, as a copy of the group's first image."""

from threading import Event
from typing import Any
from uuid import UUID

import pytest
from PIL import Image as Picture
from sqlalchemy import select, update

from common.callers import Caller
from common.database.session import Sessions, read, transact
from common.images import remove_image
from common.tables import ComparedImage, Prediction, User
from engine.index.indexer import Indexer
from engine.index.store import Index
from engine.tasks.compare import CompareRunner
from engine.tasks.compare import open_worker_pool as open_pool
from tests.engine.duplicates.test_copies import ADA, BOB, Gallery
from tests.engine.duplicates.test_copies import gallery as gallery


@pytest.fixture(autouse=True)
def accounts(sessions: Sessions) -> None:
    def insert(session: Any) -> None:
        for number, caller in enumerate((ADA, BOB)):
            name = f"user{number}"
            session.add(User(id=caller.id, name=name, name_key=name, email=f"{name}@b",
                             email_key=f"{name}@b", password_hash=""))  # fmt: skip

    transact(sessions, insert)


def compare(gallery: Gallery, owner: Caller = ADA) -> dict[str, Any]:
    runner = open_pool(gallery.services, Event()).open_runner(None)
    assert isinstance(runner, CompareRunner)
    params = {"owner_id": str(owner.id)}
    [result] = runner.run([runner.prepare(b"", params)], [params])
    return result


def groups(gallery: Gallery, owner: Caller = ADA) -> list[set[UUID]]:
    found: dict[UUID, set[UUID]] = {}

    def work(session: Any) -> None:
        rows = select(ComparedImage.image_id, ComparedImage.group_id)
        for row in session.execute(rows.where(ComparedImage.owner_id == owner.id)):
            if row.group_id:
                found.setdefault(row.group_id, set()).add(row.image_id)

    read(gallery.services.sessions, work)
    return list(found.values())


def part(gallery: Gallery, left: float, right: float) -> Picture.Image:
    """The photograph between these shares of its width."""
    width, height = gallery.photograph.size
    return gallery.photograph.crop((round(left * width), 0, round(right * width), height))


def test_copies_of_one_owner_are_a_group(gallery: Gallery) -> None:
    mine = {gallery.store() for _ in range(3)}
    alone = gallery.store(picture=gallery.empty)
    theirs = {gallery.store(BOB, "public"), gallery.store(BOB, "public")}
    assert compare(gallery) == {"compared": 4, "is_done": True}
    assert groups(gallery) == [mine]
    assert groups(gallery, BOB) == []
    assert compare(gallery, BOB) == {"compared": 2, "is_done": True}
    assert groups(gallery, BOB) == [theirs]
    assert alone not in mine


def test_a_new_copy_joins_its_group(gallery: Gallery) -> None:
    mine = {gallery.store(), gallery.store()}
    compare(gallery)
    new = gallery.store(picture=gallery.photograph.resize((400, 300)))
    assert compare(gallery) == {"compared": 1, "is_done": True}
    assert groups(gallery) == [mine | {new}]
    assert compare(gallery) == {"compared": 0, "is_done": True}


def test_a_chain_of_crops_is_not_one_group(gallery: Gallery) -> None:
    """Adjacent parts share 72 % of their width; the first and the last 44 %."""
    first = gallery.store(picture=part(gallery, 0.0, 0.64))
    between = gallery.store(picture=part(gallery, 0.18, 0.82))
    last = gallery.store(picture=part(gallery, 0.36, 1.0))
    assert gallery.found(between) == {first, last}
    assert gallery.found(first) == {between}
    compare(gallery)
    assert groups(gallery) == [{first, between}]


def test_a_group_outlives_its_first_image(gallery: Gallery) -> None:
    oldest, second = gallery.store(), gallery.store()
    compare(gallery)
    transact(gallery.services.sessions, lambda session: remove_image(session, oldest))
    third = gallery.store()
    compare(gallery)
    assert groups(gallery) == [{second, third}]


def test_images_that_are_not_ready_are_compared_later(gallery: Gallery) -> None:
    gallery.store()
    gallery.store(tasks=("embed",))
    assert compare(gallery) == {"compared": 1, "is_done": True}
    failed = gallery.store(tasks=())
    asked = update(Prediction).where(Prediction.image_id == failed)
    transact(gallery.services.sessions, lambda s: s.execute(asked.values(state="failed")))
    assert compare(gallery) == {"compared": 1, "is_done": True}
    assert groups(gallery) == []
    assert compare(gallery) == {"compared": 0, "is_done": True}


def test_a_run_that_takes_long_is_continued_by_another(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.store()
    monkeypatch.setattr("engine.tasks.compare.LONGEST", 0.0)
    assert compare(gallery) == {"compared": 0, "is_done": False}
    rows = select(Prediction).where(Prediction.task == "compare")
    [row] = read(gallery.services.sessions, lambda session: session.scalars(rows).all())
    assert (row.owner_id, row.state, row.params) == (ADA.id, "queued", {"owner_id": str(ADA.id)})


def test_an_image_is_not_compared_before_it_is_in_the_index(gallery: Gallery) -> None:
    """Otherwise two copies that were uploaded together would both miss the other one."""
    first, second = gallery.store(), gallery.store()
    index = Index(gallery.services.settings.index_url)
    index.remove([first, second])
    assert compare(gallery) == {"compared": 0, "is_done": True}
    Indexer(gallery.services).index([second, first])
    assert compare(gallery) == {"compared": 2, "is_done": True}
    assert groups(gallery) == [{first, second}]
