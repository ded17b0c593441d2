"""The approximate index: when it is trained, and that it finds what an exact search finds."""

import os
import threading
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pytest

from common.database.ids import new_id
from engine.index import vector_index
from engine.index.documents import FIELDS, Document
from engine.index.low_priority import NICENESS, low_priority_thread
from engine.index.store import Index, vectors_of, visible_to
from engine.index.vector_index import FEWEST, MOST, partitions_for

MODEL, DIMENSIONS, CLASSES, NEAREST = "net@1", 64, 40, 100
ME, OTHER = new_id(), new_id()
RANDOM = np.random.default_rng(3)
CENTRES = RANDOM.standard_normal((CLASSES, DIMENSIONS))


def images(count: int, **about: Any) -> list[Document]:
    """Images of some classes, whose vectors lie around those of their class."""
    made = CENTRES[RANDOM.integers(CLASSES, size=count)]
    made = made + 0.6 * RANDOM.standard_normal((count, DIMENSIONS))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return [
        Document(
            id=new_id(), owner=about.get("owner"), public=about.get("public", True), read_at=1,
            texts=dict.fromkeys(FIELDS, ""), known="{}",
            vectors={MODEL: vector.astype("<f4").tobytes()},
        )
        for vector in made
    ]  # fmt: skip


def vector_of(document: Document) -> Any:
    return np.frombuffer(document.vectors[MODEL], "<f4")


def segments(folder: Path) -> dict[str, int]:
    data = lance.dataset(f"{folder}/{vectors_of(MODEL)}.lance")
    named = {each.name: each for each in data.describe_indices()}
    return {n: len(e.segments) for n, e in named.items() if e.field_names == ["vector"]}


def test_the_number_of_partitions_grows_with_the_table() -> None:
    numbers = [partitions_for(rows) for rows in (1, 10_000, 100_000, 1_100_000, 10**9)]
    assert numbers == [FEWEST, FEWEST, FEWEST, 1024, MOST]


def test_the_nearest_are_found_while_the_table_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also new images, which are added in a segment, and never another owner's."""
    monkeypatch.setattr(vector_index, "FLAT", 2_000)
    monkeypatch.setattr(vector_index, "ROWS", 32)
    index = Index(f"file://{tmp_path}")
    documents = [*images(4_000), *images(500, public=False, owner=OTHER)]
    index.write(documents)
    index.tidy()
    assert segments(tmp_path) == {"vector_128": 1}
    documents += images(500, public=False, owner=ME)
    index.write(documents[4_500:])
    index.tidy()
    assert segments(tmp_path) == {"vector_128": 2}
    seen = [each for each in documents if each.owner != OTHER]
    everything = np.stack([vector_of(each) for each in seen])
    shares = []
    for asked in documents[::250]:
        near = index.alike(MODEL, vector_of(asked), visible_to(ME), NEAREST)
        exact = np.argsort(-(everything @ vector_of(asked)))[:NEAREST]
        shares.append(len({id for id, _ in near} & {seen[i].id for i in exact}) / NEAREST)
        assert {id for id, _ in near} <= {each.id for each in seen}
    assert np.mean(shares) >= 0.98


def test_an_index_that_has_too_few_partitions_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "FLAT", 2_000)
    index = Index(f"file://{tmp_path}")
    index.write(images(3_000))
    index.tidy()
    assert segments(tmp_path) == {"vector_128": 1}
    monkeypatch.setattr(vector_index, "ROWS", 5)
    index.tidy()
    assert segments(tmp_path) == {"vector_512": 1}
    assert len(index.alike(MODEL, CENTRES[0], "", 10)) == 10


def test_upkeep_yields_the_processor_to_everything_else() -> None:
    def niceness() -> tuple[int, int]:
        started: list[int] = []
        thread = threading.Thread(target=lambda: started.append(os.getpriority(os.PRIO_PROCESS, 0)))
        thread.start()
        thread.join()
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), started[0]

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with low_priority_thread("upkeep") as executor:
        of_thread, of_its_thread = executor.submit(niceness).result()
    expected = max(NICENESS, before)
    assert (of_thread, of_its_thread) == (expected, expected)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
