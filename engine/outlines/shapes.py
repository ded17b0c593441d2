"""The geometry that tracing makes and that every format renders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# The corners [n, 2] of a closed ring as x, y: the last leads to the first.
Ring: TypeAlias = NDArray[np.float64]

DECIMALS = 3  # of a coordinate: a small image is traced at a finer grid than its pixels


@dataclass(frozen=True, slots=True)
class Polygon:
    """A connected area; the exterior's signed area is positive, the holes' are negative."""

    exterior: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The exterior, then the holes."""
        return (self.exterior, *self.holes)

    def mapped(self, change: Callable[[Ring], Ring]) -> "Polygon":
        """The polygon with each ring changed."""
        return Polygon(change(self.exterior), tuple(map(change, self.holes)))


@dataclass(frozen=True, slots=True)
class Outline:
    """One object: what it is, its area in pixels and its polygons, the largest first."""

    label: str
    area: int
    polygons: tuple[Polygon, ...]

    @property
    def vertices(self) -> Ring:
        """The largest exterior."""
        return self.polygons[0].exterior

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x and y, greatest x and y."""
        corners = np.concatenate([polygon.exterior for polygon in self.polygons])
        left, top = corners.min(axis=0).tolist()
        right, bottom = corners.max(axis=0).tolist()
        return left, top, right, bottom

    @property
    def bbox(self) -> list[float]:
        """[x, y, width, height]."""
        left, top, right, bottom = self.bounds
        return [left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS)]


def signed_area(ring: Ring) -> float:
    """By the shoelace formula: positive when x turns to y, which is clockwise to the eye, as y
    points down."""
    # Relative to a corner, so that large coordinates cost no digits; np.roll would take most time.
    x, y = (ring - ring[0]).T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def perimeter(rings: Sequence[Ring]) -> float:
    """The length of all rings together."""
    return float(sum(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum() for ring in rings))


def rounded(ring: Ring) -> Ring:
    """The ring as it is answered."""
    return np.round(ring, DECIMALS) + 0.0  # which makes 0 of -0
