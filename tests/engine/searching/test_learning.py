"""What votes change in a ranking: the places of candidates, and where the query is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.database.ids import new_id
from common.search.feedback import Adjustments
from engine.searching.rocchio import ALPHA, BETA, GAMMA, agreement, middle, moved, unit
from engine.searching.scoring import Candidate
from engine.searching.vote_adjustments import sink

PLACES = 30


def vector(*numbers: float) -> Any:
    found = unit(np.array(numbers, np.float32))
    assert found is not None
    return found


def test_the_query_moves_to_what_was_liked_and_away_from_what_was_not() -> None:
    start, liked, disliked = vector(1, 0, 0), vector(0, 1, 0), vector(0, 0, 1)
    goal = moved(start, [liked], [disliked])
    assert goal is not None
    assert goal == pytest.approx(vector(ALPHA, BETA, -GAMMA))
    assert moved(start, [liked, liked], []) == pytest.approx(vector(ALPHA, BETA, 0))
    assert moved(None, [liked], []) == pytest.approx(liked)
    assert moved(None, [], []) is None
    assert middle([]) is None
    assert unit(np.zeros(3, np.float32)) is None


def test_agreement_is_that_of_the_nearest() -> None:
    here, there = vector(1, 0.1), vector(0.1, 1)
    agreed = agreement([here, there], [vector(1, 0), vector(0, 1)], [1.0, -1.0])
    assert agreed[0] > 0.9
    assert agreed[1] < -0.9
    assert agreement([here], [here, here], [0.5, -0.5]) == pytest.approx([0])
    assert agreement([here], [], []) == [0.0]


@given(
    scores=st.lists(st.floats(0, 1), min_size=PLACES, max_size=PLACES),
    against=st.dictionaries(st.integers(0, PLACES - 1), st.integers(1, 40), max_size=8),
)
def test_nobody_sinks_by_more_places_than_there_were_voters(
    scores: list[float], against: dict[int, int]
) -> None:
    ranked = [Candidate(new_id(), score) for score in sorted(scores, reverse=True)]
    boosts = {ranked[at].id: -0.3 for at in against}
    sinking = {ranked[at].id: places for at, places in against.items()}
    after = [each.id for each in sink(ranked, Adjustments(boosts=boosts, sinking=sinking))]
    assert set(after) == {each.id for each in ranked}
    # Others that sink past it lift an image again, so only downwards is bounded.
    for at, places in against.items():
        assert after.index(ranked[at].id) <= at + places
    others = [each.id for each in ranked if each.id not in boosts]
    assert [id for id in after if id not in boosts] == others


def test_what_nobody_beats_does_not_sink() -> None:
    first, second = Candidate(new_id(), 0.9), Candidate(new_id(), 0.2)
    lesson = Adjustments(boosts={first.id: -0.3}, sinking={first.id: 9})
    assert [each.id for each in sink([first, second], lesson)] == [first.id, second.id]
