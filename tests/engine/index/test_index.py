"""The search index on a folder and on S3: written, found, taken out, lost and made anew."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from common.database.ids import new_id
from common.errors import SettingsError
from engine.index.address import parse_index_url
from engine.index.documents import Document, ImageFacts, Words, encode, texts_of
from engine.index.store import Index, IndexUnavailable, visible_to

WORDS = Words()
MODEL = "net@1"
FIELDS = {"labels": 3.0, "broader": 1.0, "posts": 1.0, "file_name": 1.0}
ME, OTHER = new_id(), new_id()


def document(name: str, *, read_at: int = 1, id: UUID | None = None, **about: Any) -> Document:
    known = ImageFacts(labels=[(name, 0.9)], file_name="x.jpg")
    vector = np.zeros(8, "<f4")
    vector[len(name) % 8] = 1
    return Document(
        id=id or new_id(),
        owner=about.get("owner"),
        public=about.get("public", True),
        read_at=read_at,
        texts=texts_of(known, WORDS),
        known=encode(known),
        vectors={MODEL: vector.tobytes()},
    )


def found(index: Index, text: str, seen_by: str = "") -> list[UUID]:
    return [hit.id for hit in index.find(text, FIELDS, seen_by, 10)]


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return f"file://{tmp_path}/in dex"
    given: str = request.getfixturevalue("s3_url")
    return given.replace("?", "/some/where?", 1)


def test_what_is_written_is_found(url: str) -> None:
    index = Index(url)
    cat, dog = document("tabby"), document("beagle")
    index.write([cat, dog])
    assert found(index, "tabbi") == [cat.id]
    assert found(Index(url), "beagl") == [dog.id]
    assert found(index, "xyzzy") == []
    assert index.count() == 2
    index.tidy()
    assert found(Index(url), "tabbi") == [cat.id]
    index.remove([cat.id])
    assert found(Index(url), "tabbi") == []
    assert [id for page in Index(url).ids() for id in page] == [dog.id]


def test_what_was_read_later_stays(url: str) -> None:
    index = Index(url)
    id = new_id()
    index.write([document("tabby", id=id, read_at=5)])
    index.write([document("beagle", id=id, read_at=4)])
    assert (found(index, "tabbi"), found(index, "beagl")) == ([id], [])
    index.write([document("beagle", id=id, read_at=6)])
    assert (found(index, "tabbi"), found(index, "beagl")) == ([], [id])


def test_only_what_may_be_seen_is_found(tmp_path: Path) -> None:
    index = Index(f"file://{tmp_path}/index")
    mine = document("tabby", public=False, owner=ME)
    theirs = document("tabby", public=False, owner=OTHER)
    everyones = document("tabby", owner=OTHER)
    index.write([mine, theirs, everyones])
    assert set(found(index, "tabbi", visible_to(None))) == {everyones.id}
    assert set(found(index, "tabbi", visible_to(ME))) == {everyones.id, mine.id}
    assert set(found(index, "tabbi")) == {everyones.id, mine.id, theirs.id}
    asked = index.vectors(MODEL, 8, [mine.id, theirs.id], visible_to(ME))
    assert set(asked) == {mine.id}


def test_what_is_near_is_found_by_its_vector(url: str) -> None:
    index = Index(url)
    one, other = document("a"), document("bb")
    index.write([one, other])
    near = index.alike(MODEL, np.frombuffer(one.vectors[MODEL], "<f4"), "public", 5)
    assert [id for id, _ in near] == [one.id, other.id]
    assert [cosine for _, cosine in near] == pytest.approx([1.0, 0.0])
    vectors = index.vectors(MODEL, 8, [one.id, new_id()], "public")
    assert {id: vector.tolist() for id, vector in vectors.items()} == {
        one.id: np.frombuffer(one.vectors[MODEL], "<f4").tolist()
    }


def test_vectors_of_several_models_lie_beside_each_other(tmp_path: Path) -> None:
    index = Index(f"file://{tmp_path}/index")
    vectors = {MODEL: bytes(32), "net@2": np.ones(4, "<f4").tobytes()}
    both = replace(document("tabby"), vectors=vectors)
    index.write([both])
    assert index.alike("net@2", np.ones(4, "<f4"), "", 5)[0][0] == both.id
    index.remove([both.id])
    assert index.alike("net@2", np.ones(4, "<f4"), "", 5) == []


def test_an_index_that_was_deleted_comes_back_empty(tmp_path: Path) -> None:
    index = Index(f"file://{tmp_path}/index")
    index.write([document("tabby")])
    shutil.rmtree(tmp_path / "index")
    assert found(index, "tabbi") == []
    again = document("beagle")
    index.write([again])
    assert found(index, "beagl") == [again.id]


def test_an_index_that_cannot_be_reached_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file where a folder is due")
    with pytest.raises(IndexUnavailable) as raised:
        Index(f"file://{tmp_path}/index").count()
    assert raised.value.counts is False
    assert raised.value.delay > 0


@pytest.mark.parametrize("wrong", ["index", "file://host/x", "file://x", "ftp://x", "s3://x?key=1"])
def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="INDEX_URL"):
        parse_index_url(wrong)
