"""The geometry that tracing creates and that every format renders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

# The corners [n, 2] of a ring as x, y; the last one is connected to the first.
Ring: TypeAlias = NDArray[np.float64]

Number = TypeVar("Number", np.float64, np.int64)

DECIMALS = 3  # of a coordinate: the mask of a small image is finer than its pixels


@dataclass(frozen=True, slots=True)
class Polygon:
    """A connected area; the exterior's signed area is positive, those of holes are negative."""

    exterior: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The exterior, then the holes."""
        return (self.exterior, *self.holes)

    def mapped(self, change: Callable[[Ring], Ring]) -> "Polygon":
        """Return the polygon with `change` applied to each ring."""
        return Polygon(change(self.exterior), tuple(map(change, self.holes)))


@dataclass(frozen=True, slots=True)
class Outline:
    """One object: its label, its area in pixels and its polygons, the largest first."""

    label: str
    area: int
    polygons: tuple[Polygon, ...]

    @property
    def vertices(self) -> Ring:
        """The largest exterior."""
        return self.polygons[0].exterior

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Minimum x and y, maximum x and y."""
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
    """Return the area by the shoelace formula: positive if the ring turns from x to y, which is
    displayed as clockwise because y points down.
    """
    # Relative to a corner, so that large coordinates lose no precision; np.roll would take most of
    # the time.
    x, y = (ring - ring[0]).T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def next_corners(rings: Sequence[NDArray[Number]]) -> NDArray[Number]:
    """Return the end of each edge [n, 2]; the edges start at the corners of all rings, in order."""
    return np.concatenate([part for ring in rings for part in (ring[1:], ring[:1])])


def perimeter(rings: Sequence[Ring]) -> float:
    """Return the total length of the rings."""
    return float(sum(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum() for ring in rings))


def rounded(ring: Ring) -> Ring:
    """Return the ring with coordinates rounded for output."""
    return np.round(ring, DECIMALS) + 0.0  # converts -0 to 0
