"""Drift: the difference between recent images, with a model's results for them, and a reference.

Each classified image is counted in one bin of each feature; the distributions over the bins are
compared by the population stability index.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

CONFIDENCE, LABEL, BRIGHTNESS, SIZE = "confidence", "label", "brightness", "size"
FEATURES = (CONFIDENCE, LABEL, BRIGHTNESS, SIZE)
TENTHS = 10
LABELS = 10  # the reference's most frequent labels have bins of their own; all others share one
OTHER = "other"
PRIOR = 0.5  # images added to each bin, because an empty bin would make the index infinite

Counts = Mapping[str, int]


def bins_of(result: Mapping[str, Any], width: int | None, height: int | None) -> dict[str, str]:
    """Return the bin of each feature for a stored result of `classify`; unknown features are left
    out.

    The bins are tenths of the best label's score and of the brightness (0..1), the best label, and
    powers of two of the size in kilopixels.
    """
    bins = {}
    if labels := result.get("labels"):
        bins[CONFIDENCE] = _tenth(labels[0]["score"])
        bins[LABEL] = str(labels[0]["name"])
    if (brightness := result.get("brightness")) is not None:
        bins[BRIGHTNESS] = _tenth(brightness)
    if width and height:
        bins[SIZE] = str(math.floor(math.log2(max(1.0, width * height / 1000))))
    return bins


def _tenth(value: float) -> str:
    return str(min(TENTHS - 1, max(0, int(value * TENTHS))))


def stability_index(feature: str, reference: Counts, current: Counts) -> float:
    """Return the population stability index: the sum over the bins of (p - q) ln(p / q).

    Source: N. Siddiqi, "Credit Risk Scorecards", 2006, with these bands: below 0.1 no significant
    change, 0.1 to 0.25 some, above 0.25 a major one. For n and m images of one population its
    expected value is about (bins - 1)(1/n + 1/m) (B. Yurdakul, "Statistical Properties of
    Population Stability Index", 2018), so small samples look like drift. Neither side may be empty.
    """
    if feature == LABEL:
        kept = {name for name, _ in Counter(reference).most_common(LABELS)}
        reference, current = _merged(reference, kept), _merged(current, kept)
    names = sorted(reference.keys() | current.keys())
    return sum(
        (p - q) * math.log(p / q)
        for p, q in zip(_shares(current, names), _shares(reference, names), strict=True)
    )


def _merged(counts: Counts, kept: set[str]) -> Counts:
    merged = Counter[str]()
    for name, count in counts.items():
        merged[name if name in kept else OTHER] += count
    return merged


def _shares(counts: Counts, names: list[str]) -> list[float]:
    whole = sum(counts.values()) + PRIOR * len(names)
    return [(counts.get(name, 0) + PRIOR) / whole for name in names]
