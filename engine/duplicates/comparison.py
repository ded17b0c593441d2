"""Compare two fingerprints: is one picture a copy of the other?

The common part of both is hashed as PDQ and pHash do: the signs of low frequencies, which agree by
chance if the pictures differ. The correlation of the details separates pages of the same
form, whose low frequencies agree.

Source: "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", Facebook, 2019.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.duplicates.alignment import align
from engine.duplicates.fingerprint import Grey

FREQUENCIES = 16  # along each side, without the mean
BITS = FREQUENCIES**2
# Of 1,920 copies of 120 photographs, three exceed a limit; of 1,500 pairs of different photographs
# none comes near: 114 bits or more, and a correlation of up to 0.08. Pages of one form with
# different texts have 40 bits and up to 0.8.
MOST_BITS = 64  # that differ
LEAST_CORRELATION = 0.83  # of the details
LEAST_SHARE = 0.5  # of each picture that both show
LEAST_DETAIL = 1.5  # mean step between neighboring pixels; less is an empty page or a plain wall
DETAILS = 3.0  # pixels; what is larger is not a detail (standard deviation of a Gaussian)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much two pictures have in common."""

    bits: int  # of the hashes of the common part that differ, of BITS
    correlation: float  # of the details of the common part, -1 to 1
    share: float  # of the picture that shows more, 0 to 1

    @property
    def is_copy(self) -> bool:
        """Whether one picture is a copy of the other, or both are of a third."""
        is_same = self.bits <= MOST_BITS and self.correlation >= LEAST_CORRELATION
        return is_same and self.share >= LEAST_SHARE

    @property
    def similarity(self) -> float:
        """The share of equal bits, 0 to 1."""
        return 1 - self.bits / BITS


def has_detail(picture: Grey) -> bool:
    """Return whether a picture differs from others at all; empty pages are all alike."""
    steps = (float(np.abs(np.diff(picture, axis=axis)).mean()) for axis in (0, 1))
    return sum(steps) >= LEAST_DETAIL


def compare(first: Grey, second: Grey, aspect: float) -> Comparison | None:
    """Return how much two pictures have in common; None if they are not alike, or if the common
    part is too plain to be compared. `aspect` is as in `align`.
    """
    if not (has_detail(first) and has_detail(second)):
        return None
    found = align(first, second, aspect)
    if found is None or not (has_detail(found.first) and has_detail(found.second)):
        return None
    differing = int(np.count_nonzero(_hash(found.first) != _hash(found.second)))
    details = _details(found.first), _details(found.second)
    correlation = float(np.corrcoef(*details)[0, 1])
    return Comparison(differing, correlation, min(found.first_share, found.second_share))


def _hash(picture: Grey) -> NDArray[np.bool_]:
    """Return the bits of the hash, bool [BITS]."""
    import cv2

    frequencies = cv2.dct(picture)[1 : FREQUENCIES + 1, 1 : FREQUENCIES + 1]
    return np.asarray(frequencies > np.median(frequencies)).ravel()


def _details(picture: Grey) -> NDArray[np.float32]:
    """Return what distinguishes each pixel from its surroundings, float32 [SIDE * SIDE]."""
    import cv2

    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), DETAILS), np.float32).ravel()
