"""faces: boxes and five points of the faces that a detection network finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from common.images.formats import read_start
from common.settings import Settings
from common.tasks.faces import CONTRACT
from engine.decoding.decoder import Decoder, open_decoder
from engine.detections.face_detector import FINE, Face, detector_of
from engine.models.letterbox import Frame
from engine.models.loader import Model, load
from engine.pixels import fitting

POINTS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")  # as the detector has them
DECIMALS = 2  # of a coordinate


@dataclass(frozen=True, slots=True)
class Prepared:
    """The upright image with sides of at most FINE pixels, and its scale."""

    image: Image.Image
    frame: Frame


class FacesRunner:
    """A detector of its own for each worker."""

    def __init__(self, model: Model, settings: Settings, decoder: Decoder):
        self.model = model.manifest.identity
        self._detector = detector_of(model.manifest, settings.model_dir)
        self._decoder = decoder

    def prepare(self, data: bytes, params: dict[str, Any]) -> Prepared:
        """Return the whole image; small ones are not enlarged."""
        width, height = read_start(data).upright_size
        inner = fitting((width, height), FINE)
        with self._decoder.decoded(data, *inner) as image:
            small = image.resize(inner, Image.Resampling.BILINEAR, reducing_gap=3)
        return Prepared(small, Frame(width, height, *inner))

    def run(
        self, prepared: Sequence[Prepared], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the faces of each image."""
        return [self._answer(item, options) for item, options in zip(prepared, params, strict=True)]

    def _answer(self, item: Prepared, options: dict[str, Any]) -> dict[str, Any]:
        found = self._detector.find(item.image, options["threshold"])
        shown = [view for face in found if (view := to_view(face, item.frame))]
        size = {"width": item.frame.width, "height": item.frame.height}
        return size | {"faces": shown[: options["max_faces"]]}


def to_view(face: Face, frame: Frame) -> dict[str, Any] | None:
    """Return a face as its contract describes it, with a box that is cut off at the edges of the
    image; None if the box is outside the image.
    """
    edges = (frame.width, frame.height)
    corners = frame.to_image(face.box.reshape(2, 2)).clip(0, edges).round(DECIMALS)
    left, top, right, bottom = corners.ravel().tolist()
    if left >= right or top >= bottom:
        return None
    points = frame.to_image(face.points).round(DECIMALS).tolist()
    return {
        "score": round(face.score, 4),
        "bbox": [left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS)],
        "points": dict(zip(POINTS, points, strict=True)),
    }


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> FacesRunner:
    """Load the default model or the one with this reference; raises ModelUnavailable."""
    chosen = load(CONTRACT.name, settings.model_dir, model)
    return FacesRunner(chosen, settings, decoder or open_decoder(settings))
