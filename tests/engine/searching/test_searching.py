"""How queries are understood, candidates judged, and results put in order."""

import json
from typing import Any
from uuid import UUID

import pytest

from common.database.ids import new_id
from engine.index.documents import ImageFacts, Phrase, Words, encode, texts_of
from engine.index.store import Hit
from engine.searching.query_expansion import parse, parts
from engine.searching.ranking import bands, fuse
from engine.searching.scoring import Candidate, Scorer

WORDS = Words()


def judged(query: str, **known: Any) -> Candidate:
    about = ImageFacts(**known)
    texts = texts_of(about, WORDS)
    hit = Hit(new_id(), 1.0, encode(about), texts)
    return Scorer(parse(query, {}), WORDS).score(hit)


def test_a_whole_name_counts_more_than_a_word_of_it() -> None:
    whole = judged("tiger", labels=[("tiger", 0.5)])
    part = judged("tiger", labels=[("tiger cat", 0.9)])
    assert whole.score > part.score > 0


def test_what_is_surer_scores_higher() -> None:
    scores = [judged("macaw", labels=[("macaw", score)]).score for score in (0.9, 0.5, 0.1, 0.02)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    assert 0 < scores[-1] < 0.2


def test_every_term_counts_alike() -> None:
    both = judged("cat sofa", labels=[("Egyptian cat", 0.9)], posts=["on my sofa"])
    one = judged("cat sofa", posts=["on my sofa"])
    assert (both.matched, one.matched) == (1.0, 0.5)
    assert both.score > one.score > 0
    assert one.score == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("query", "known", "reason"),
    [
        ("cats", {"labels": [("Egyptian cat", 0.9)]}, "label Egyptian cat"),
        ("kitten", {"broader": [("cat", 0.9)]}, "broader term cat"),
        ("kitten", {"objects": ["cat"]}, "outlined cat"),
        ("kite", {"detected": [("kite", 0.4)]}, "detected kite"),
        ("invoices 2041", {"text": "Invoice 2041\nTotal 9.50"}, "text: invoices 2041"),
        ("an invoice", {"text": "INVOICE"}, "text: invoice"),
        ("Lisbon", {"posts": ["Summer in LISBON!"]}, "post"),
        ("sitting", {"caption": "A cat sits on a wall."}, "caption"),
        ("beach", {"file_name": "OurBeach_2024.jpg"}, "file name"),
        ("OurBeach_2024", {"file_name": "OurBeach_2024.jpg"}, "file name"),
        ("ourbeach", {"file_name": "OurBeach_2024.jpg"}, "file name"),
    ],
)
def test_the_reason_is_where_it_was_found(query: str, known: Any, reason: str) -> None:
    found = judged(query, **known)
    assert found.why == f"matched: {reason}"
    assert 0 < found.score <= 1


def test_what_has_nothing_to_do_with_it_scores_nothing() -> None:
    found = judged("guitar", labels=[("macaw", 0.9)], caption="a bird", file_name="x.jpg")
    assert (found.score, found.matched, found.reasons) == (0.0, 0.0, [])


def test_runs_of_words_may_be_names() -> None:
    assert list(parts(("a", "b", "c"))) == [
        ("a", "b", "c"), ("a", "b"), ("b", "c"), ("a",), ("b",), ("c",),
    ]  # fmt: skip


def test_related_names_count_less_than_the_querys_own_words() -> None:
    related: dict[Phrase, list[tuple[str, float]]] = {("moggi",): [("cat", 0.6)]}
    about = ImageFacts(broader=[("cat", 0.9)])
    hit = Hit(new_id(), 1.0, encode(about), texts_of(about, WORDS))
    by_other = Scorer(parse("moggy", related), WORDS).score(hit)
    by_name = Scorer(parse("cat", related), WORDS).score(hit)
    assert 0 < by_other.score < by_name.score
    assert by_other.why == "matched: broader term cat (for moggi)"


def test_rankings_are_fused_by_their_ranks() -> None:
    assert fuse([["a", "b", "c"]]) == ["a", "b", "c"]
    assert fuse([["a", "b", "c"], ["c", "a"]])[0] == "a"
    assert set(fuse([["a"], ["b"], []])) == {"a", "b"}


def test_bands_follow_the_scores_own_groups() -> None:
    assert bands([0.95, 0.93, 0.9, 0.5, 0.48, 0.1]) == [
        "high", "high", "high", "medium", "medium", "low",
    ]  # fmt: skip
    assert bands([0.9, 0.89, 0.88, 0.87]) == ["high"] * 4, "there is but one group"
    assert bands([0.4, 0.39, 0.1], best="medium") == ["medium", "medium", "low"]
    assert bands([0.7]) == ["high"]
    assert bands([]) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 200])
def test_bands_never_rise(count: int) -> None:
    order = ["high", "medium", "low"]
    found = [order.index(each) for each in bands([1 - n / count for n in range(count)])]
    assert len(found) == count
    assert found == sorted(found)


def test_a_document_repeats_what_is_sure() -> None:
    texts = texts_of(ImageFacts(labels=[("macaw", 0.95), ("toucan", 0.1)]), WORDS)
    tokens = texts["labels"].split()
    assert tokens.count("macaw") > tokens.count("toucan") > 0
    assert "=macaw" in tokens


def test_what_is_known_survives_as_json() -> None:
    known = json.loads(encode(ImageFacts(labels=[("macaw", 0.5)], objects=["bird"])))
    assert known == {"labels": [["macaw", 0.5]], "broader": [], "objects": [["bird", 1.0]]}


def test_ids_are_not_confused() -> None:
    assert isinstance(judged("x").id, UUID)
