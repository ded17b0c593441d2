"""Broader terms: scores are sums over the classes below, and labels stay what they are."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from common.settings import Settings
from common.tasks.classify import CONTRACT
from engine.models.broader_terms import LIMIT, BroaderTerms
from engine.models.labels import Label, load_imagenet
from engine.tasks.classify import open_runner

CAT = 281, 285, 283  # tabby, Egyptian cat, Persian cat


@pytest.fixture(scope="module")
def labels() -> tuple[Label, ...]:
    return load_imagenet()


def made_up(number: int) -> NDArray[np.float32]:
    """Probabilities: nearly flat, or with a few sure classes."""
    sharpness = (1.0, 0.1, 0.01)[number % 3]
    made = np.random.default_rng(number).dirichlet(np.full(1000, sharpness))
    return made.astype(np.float32)


@pytest.mark.parametrize("number", range(12))
def test_a_terms_score_is_the_sum_over_all_classes_below(
    labels: tuple[Label, ...], number: int
) -> None:
    scores = made_up(number)
    sums: dict[str, float] = {}
    for label in labels:
        for term in label.broader:
            sums[term.name] = sums.get(term.name, 0) + float(scores[label.index])
    found = BroaderTerms(labels).of(scores, 0.05)
    sure = sorted((score for score in sums.values() if score >= 0.05), reverse=True)
    assert len(found) == min(len(sure), LIMIT)
    for each in found:
        assert each["score"] == pytest.approx(sums[each["name"]], abs=1e-5)
    least = min((each["score"] for each in found), default=0)
    assert least == pytest.approx(sure[: len(found)][-1] if found else 0, abs=1e-5)


def test_the_narrowest_come_first_and_what_is_unsure_is_left_out(
    labels: tuple[Label, ...],
) -> None:
    scores = np.zeros(1000, np.float32)
    scores[list(CAT)] = 0.5, 0.25, 0.125
    scores[817] = 0.0625  # sports car
    terms = BroaderTerms(labels)
    names = [term["name"] for term in terms.of(scores, 0.1)]
    assert names == ["cat", "feline", "domestic animal", "mammal", "animal"]
    assert {term["score"] for term in terms.of(scores, 0.1)} == {0.875}
    assert {"car", "vehicle"} < {term["name"] for term in terms.of(scores, 0.0625)}
    assert terms.of(scores, 0.9) == []


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_the_answer_is_bounded_and_a_score_is_at_most_1(
    labels: tuple[Label, ...], threshold: float
) -> None:
    terms = BroaderTerms(labels)
    everything = terms.of(np.full(1000, 0.3, np.float32), threshold)
    assert len(everything) == LIMIT
    assert {term["score"] for term in everything} == {1.0}
    assert terms.of(np.zeros(1000, np.float32), threshold) == []


def test_a_photograph_has_its_labels_and_broader_terms(
    photographs: Mapping[str, bytes], model_dir: Path
) -> None:
    work = open_runner(Settings.from_env({"MODEL_DIR": str(model_dir)}))
    wishes = [CONTRACT.check_params(given) for given in ({}, {"top_k": 1, "threshold": 1})]
    input = work.prepare(photographs["cat_720p.jpg"], wishes[0])
    whole, strict = work.run([input] * 2, wishes)
    assert whole["labels"][0]["name"] == strict["labels"][0]["name"] == "Egyptian cat"
    scores = {term["name"]: term["score"] for term in whole["broader"]}
    best = whole["labels"][0]["score"]
    assert 1 >= scores["animal"] >= scores["feline"] >= scores["cat"] >= best
    assert CONTRACT.shown is not None
    assert CONTRACT.result().validate(CONTRACT.shown(whole, wishes[0])) == {}
    assert len(strict["labels"]) == 1
