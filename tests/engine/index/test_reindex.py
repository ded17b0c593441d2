"""From the rows into the index: what is known, what was never asked, what is gone, everything."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, read, transact
from common.services import Services, open_services
from common.settings import Settings
from common.tables import Image, Post, Prediction, State, StoredObject, User
from engine.index.indexer import Indexer
from engine.index.store import Index
from engine.reindex import reindex
from tests.engine.index.test_index import document, found
from tests.support.rows.prediction_steps import MODEL as NET

ME = new_id()
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@contextmanager
def services_on(sessions: Sessions, folder: Path) -> Iterator[Services]:
    url = sessions.engine.url.render_as_string(hide_password=False)
    with open_services(
        Settings.from_env({"DATA_DIR": str(folder), "DATABASE_URL": url})
    ) as services:
        yield services


def store(sessions: Sessions, count: int, **about: Any) -> list[UUID]:
    """Images with a label each, and rows of everything the index reads."""
    ids = [new_id() for _ in range(count)]

    def work(session: Session) -> None:
        if session.get(StoredObject, b"x" * 32) is None:
            session.add(StoredObject(sha256=b"x" * 32, size=1, media_type="image/png"))
            session.flush()
        for number, id in enumerate(ids):
            image = {"file_name": f"{number}.png", "width": 16, "height": 16} | about
            session.add(Image(id=id, sha256=b"x" * 32, visibility="public", **image))
            session.flush()
            session.add_all(_predictions(id))

    transact(sessions, work)
    return ids


def _predictions(image: UUID) -> list[Prediction]:
    results: dict[str, Any] = {
        "classify": {"labels": [{"name": "tabby", "score": 0.8}], "broader": []},
        "caption": {"text": "A zeppelin over Lisbon."},
        "outline": {"objects": [{"label": "sofa"}]},
    }
    return [
        Prediction(
            id=new_id(), task=task, image_id=image, params={},
            state=State.SUCCEEDED, result=result, model=NET, deadline_at=FAR,
        )
        for task, result in results.items()
    ]  # fmt: skip


def test_everything_that_is_known_is_indexed(sessions: Sessions, tmp_path: Path) -> None:
    with services_on(sessions, tmp_path) as services:
        [id] = store(sessions, 1)

        def post(session: Session) -> None:
            session.add(User(id=ME, name="a", name_key="a", email="a@b", email_key="a@b",
                             password_hash=""))  # fmt: skip
            session.flush()
            session.add(Post(id=new_id(), owner_id=ME, image_id=id, text="Hello wombats"))

        transact(sessions, post)
        assert Indexer(services).index([id]) == 1
        index = Index(services.settings.index_url)
        for word in ("tabbi", "wombat", "0"):
            assert found(index, word) == [id], word
        [hit] = index.find("zeppelin", {"caption": 1.0}, "", 5)
        [same] = index.find("sofa", {"objects": 1.0}, "", 5)
        assert hit.id == same.id == id


def test_what_was_never_asked_is_asked_for_once(sessions: Sessions, tmp_path: Path) -> None:
    with services_on(sessions, tmp_path) as services:
        [id] = store(sessions, 1)
        for _ in range(2):
            Indexer(services).index([id])
        rows = read(sessions, lambda s: [(r.task, r.state) for r in s.query(Prediction)])
        assert rows.count(("embed", "queued")) == 1
        assert [task for task, _ in rows].count("classify") == 1


def test_reindexing_brings_back_what_was_lost_and_drops_what_is_gone(
    sessions: Sessions, tmp_path: Path
) -> None:
    with services_on(sessions, tmp_path) as services:
        kept = store(sessions, 7)
        [hidden] = store(sessions, 1)
        assert reindex(services) == 8
        shutil.rmtree(tmp_path / "index")
        transact(
            sessions,
            lambda s: s.execute(
                update(Image).where(Image.id == hidden).values(visibility="unlisted")
            ),
        )
        index = Index(services.settings.index_url)
        stray = document("tabby")
        index.write([stray, document("tabby", id=hidden)])
        assert reindex(services) == 7
        assert set(found(index, "tabbi")) == set(kept)
        assert sorted(id for page in index.ids() for id in page) == sorted(kept)


def test_an_image_that_went_leaves_the_index(sessions: Sessions, tmp_path: Path) -> None:
    with services_on(sessions, tmp_path) as services:
        gone, stays = store(sessions, 2)
        indexer = Indexer(services)
        indexer.index([gone, stays])

        def remove(session: Session) -> None:
            session.execute(delete(Prediction).where(Prediction.image_id == gone))
            session.execute(delete(Image).where(Image.id == gone))

        transact(sessions, remove)
        indexer.index([gone])
        assert found(Index(services.settings.index_url), "tabbi") == [stays]
