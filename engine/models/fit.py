"""The fit in a manifest: how an image becomes the square input of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SQUASH, CROP, SHORTEST, LETTERBOX = "squash", "crop", "shortest", "letterbox"
KINDS = (SQUASH, CROP, SHORTEST, LETTERBOX)
TOP_LEFT, CENTER = "top-left", "center"


@dataclass(frozen=True, slots=True)
class Fit:
    """How an image becomes a square input.

    SQUASH resizes the whole image without keeping its aspect ratio. CROP takes `share` of the
    shorter side from the middle, and of the longer side up to `stretch` times as much, so that
    nothing is resized more in one direction than `stretch` times in the other. SHORTEST resizes the
    shortest side to the model's and takes the square in the middle, with antialiased bicubic
    interpolation as CLIP does. LETTERBOX resizes the whole image with its aspect ratio, places it
    at `place`, and fills the rest with the gray `fill`.
    """

    kind: str = SQUASH
    share: float = 1.0
    stretch: float = 1.0
    place: str = TOP_LEFT
    fill: int = 0  # 0 to 255, of all three channels

    def __str__(self) -> str:
        if self.kind == CROP:
            return f"{self.kind} {self.share:g}, stretch {self.stretch:g}"
        if self.kind == LETTERBOX:
            return f"{self.kind} {self.place} on {self.fill}"
        return self.kind


def parse_fit(data: Mapping[str, Any]) -> Fit:
    """Return the fit in a JSON object; raises TypeError or ValueError if it is invalid."""
    fit = Fit(**data)
    if (
        fit.kind not in KINDS
        or not 0 < fit.share <= 1 <= fit.stretch
        or fit.place not in (TOP_LEFT, CENTER)
        or not 0 <= fit.fill <= 255
    ):
        raise ValueError(
            f"{data} is not a fit: the kind is one of {', '.join(KINDS)}, the share above 0 and at "
            f"most 1, the stretch 1 or more, the place {TOP_LEFT} or {CENTER}, the fill 0 to 255"
        )
    return fit
