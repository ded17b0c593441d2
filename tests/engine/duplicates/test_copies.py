"""Copies in the rows and the index: which of them each caller finds, and what is missing."""

import base64
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from common.callers import ANONYMOUS, Caller
from common.database.ids import new_id
from common.database.session import Sessions, read, transact
from common.errors import InputFault
from common.images import remove_image
from common.services import Services
from common.tables import Image, Prediction, Role, State, StoredObject
from engine.duplicates.copies import find_copies
from engine.duplicates.fingerprint import fingerprint_of, to_result
from engine.index.indexer import Indexer
from engine.index.store import Index
from tests.engine.index.test_reindex import services_on
from tests.support.rows.prediction_steps import MODEL

ADA, BOB, ADMIN = Caller(new_id()), Caller(new_id()), Caller(new_id(), role=Role.ADMIN)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
VECTOR = np.eye(1, 16, dtype="<f4")[0]


class Gallery:
    """Images whose predictions are made here, on a real index."""

    def __init__(self, services: Services, photograph: bytes):
        self.services = services
        self.photograph = Picture.open(io.BytesIO(photograph)).convert("RGB")
        self.empty = Picture.new("RGB", (300, 200), "white")

    def store(
        self,
        owner: Caller = ADA,
        visibility: str = "private",
        picture: Picture.Image | None = None,
        tasks: tuple[str, ...] = ("embed", "fingerprint"),
        sha256: bytes | None = None,
    ) -> UUID:
        """An indexed image; `sha256` as another one's, or its own."""
        shown, id = picture or self.photograph, new_id()
        digest = sha256 or id.bytes * 2
        vector = base64.b64encode(VECTOR.tobytes()).decode()
        results: dict[str, Any] = {
            "embed": {"dimensions": len(VECTOR), "vector": vector},
            "fingerprint": to_result(fingerprint_of(shown)),
        }

        def insert(session: Session) -> None:
            if session.get(StoredObject, digest) is None:
                session.add(StoredObject(sha256=digest, size=1, media_type="image/png"))
                session.flush()
            session.add(Image(
                id=id, owner_id=owner.id, sha256=digest, file_name="x.png", width=shown.width,
                height=shown.height, visibility=visibility,
            ))  # fmt: skip
            session.flush()
            for task in tasks:
                session.add(Prediction(
                    id=new_id(), task=task, image_id=id, params={}, state=State.SUCCEEDED,
                    result=results[task], model=MODEL, deadline_at=FAR,
                ))  # fmt: skip

        transact(self.services.sessions, insert)
        Indexer(self.services).index([id])
        return id

    def look(self, image: UUID, caller: Caller = ADA) -> dict[str, Any]:
        index = Index(self.services.settings.index_url)
        return find_copies(self.services.sessions, index, image, caller)

    def found(self, image: UUID, caller: Caller = ADA) -> set[UUID]:
        return {UUID(item["image_id"]) for item in self.look(image, caller)["items"]}


@pytest.fixture
def gallery(sessions: Sessions, tmp_path: Path, photographs: Mapping[str, bytes]) -> Any:
    with services_on(sessions, tmp_path) as services:
        yield Gallery(services, photographs["pets.jpg"])


def test_a_caller_finds_public_copies_and_their_own(gallery: Gallery) -> None:
    mine, also_mine = gallery.store(), gallery.store()
    hidden, unlisted = gallery.store(BOB), gallery.store(BOB, "unlisted")
    public, anonymous = gallery.store(BOB, "public"), gallery.store(ANONYMOUS, "public")
    assert gallery.found(mine) == {also_mine, public, anonymous}
    assert gallery.found(public, BOB) == {hidden, unlisted, anonymous}
    assert gallery.found(public, ANONYMOUS) == {anonymous}
    assert gallery.found(public, ADMIN) == {mine, also_mine, hidden, unlisted, anonymous}


def test_the_same_bytes_are_found_by_who_may_see_them(gallery: Gallery) -> None:
    mine = gallery.store(picture=gallery.empty, sha256=b"s" * 32)
    public = gallery.store(BOB, "public", gallery.empty, sha256=b"s" * 32)
    anonymous = gallery.store(ANONYMOUS, "unlisted", gallery.empty, sha256=b"s" * 32)
    [item] = gallery.look(mine)["items"]
    assert item["image_id"] == str(public)
    assert (item["kind"], item["score"], item["why"]) == ("identical", 1.0, "the same bytes")
    assert gallery.found(public, BOB) == set()
    assert gallery.found(public, ADMIN) == {mine, anonymous}


def test_an_empty_page_has_no_copies_but_the_same_bytes(gallery: Gallery) -> None:
    page, _ = gallery.store(picture=gallery.empty), gallery.store(picture=gallery.empty)
    told = gallery.look(page)
    assert told["items"] == []
    assert told["detail"].startswith("No image that you may see")


def test_a_copy_is_described_by_its_distances(gallery: Gallery) -> None:
    width, height = gallery.photograph.size
    part = gallery.photograph.crop((0, 0, round(0.85 * width), height))
    whole, _ = gallery.store(), gallery.store(picture=part)
    [item] = gallery.look(whole)["items"]
    assert item["kind"] == "copy"
    assert item["hash_distance"] <= 24
    assert item["score"] == pytest.approx(1 - item["hash_distance"] / 256, abs=1e-4)
    assert item["common_part"] == pytest.approx(0.85, abs=0.03)
    assert item["vector_similarity"] == pytest.approx(1, abs=1e-3)
    assert item["why"].endswith("of the picture in common")


def test_a_deleted_copy_is_gone(gallery: Gallery) -> None:
    kept, deleted = gallery.store(), gallery.store()
    assert gallery.found(kept) == {deleted}
    transact(gallery.services.sessions, lambda session: remove_image(session, deleted))
    assert gallery.found(kept) == set()


def test_a_copy_that_was_made_private_is_gone_before_the_index_knows(gallery: Gallery) -> None:
    mine, public = gallery.store(), gallery.store(BOB, "public")
    hide = update(Image).where(Image.id == public).values(visibility="private")
    transact(gallery.services.sessions, lambda session: session.execute(hide))
    assert gallery.found(mine) == set()


def test_a_similar_image_without_a_fingerprint_is_reported(gallery: Gallery) -> None:
    whole, old = gallery.store(), gallery.store(tasks=("embed",))
    told = gallery.look(whole)
    assert told["items"] == []
    assert told["detail"].startswith("1 similar image has no fingerprint yet")
    with pytest.raises(InputFault) as caught:
        gallery.look(old)
    assert caught.value.code == "image_not_embedded"


def test_the_indexer_requests_the_fingerprints_of_old_images_once(gallery: Gallery) -> None:
    old = gallery.store(tasks=("embed",))
    for _ in range(2):
        Indexer(gallery.services).index([old])
    rows = select(Prediction.state).where(
        Prediction.image_id == old, Prediction.task == "fingerprint"
    )
    assert read(gallery.services.sessions, lambda s: s.execute(rows).scalars().all()) == ["queued"]
