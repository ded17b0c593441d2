"""Format `svg`: a drawing to overlay on the image, with one path per object."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from engine.outlines.shapes import Outline, Ring

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#f032e6")


def render(outlines: Sequence[Outline], width: int, height: int) -> dict[str, Any]:
    """Return `{"svg": text}`; the even-odd rule keeps holes open."""
    stroke = max(width, height) / 400
    labels = sorted({outline.label for outline in outlines})
    paths = "".join(
        _path(outline, COLOURS[labels.index(outline.label) % len(COLOURS)]) for outline in outlines
    )
    return {
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" fill-opacity="0.3" fill-rule="evenodd" '
        f'stroke-width="{stroke:g}" stroke-linejoin="round">{paths}</svg>'
    }


def _path(outline: Outline, colour: str) -> str:
    rings = "".join(_ring(ring) for polygon in outline.polygons for ring in polygon.rings)
    name = quoteattr(outline.label)
    return (
        f'<path d="{rings}" fill="{colour}" stroke="{colour}" data-label={name}>'
        f"<title>{escape(outline.label)}</title></path>"
    )


def _ring(ring: Ring) -> str:
    return "M" + "L".join(f"{x:.8g} {y:.8g}" for x, y in ring.tolist()) + "Z"
