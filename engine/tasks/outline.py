"""outline: find objects by the class that the segmentation network gives to each pixel."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.settings import Settings
from common.tasks.outline import CONTRACT
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.catalogue import Manifest
from engine.models.class_names import read_class_names
from engine.models.letterbox import Frame, Letterboxed, decode_letterboxed
from engine.models.loader import Model, load
from engine.outlines import coco, geojson, polygons, svg
from engine.outlines.objects import find_objects
from engine.outlines.shapes import Outline

Render = Callable[[Sequence[Outline], int, int], dict[str, Any]]
FORMATS: dict[str, Render] = {
    "polygons": polygons.render,
    "geojson": geojson.render,
    "coco": coco.render,
    "svg": svg.render,
}
# The image keeps its aspect ratio and is placed in the upper left corner, with gray, the mean of
# the network's training data, beside or below it, as in the network's training. If it is squashed
# to a square, the network misses much: over 24 crops of `dog_segmentation.bmp`, to between half and
# three quarters of its width or height, the mean intersection over union with the true mask is 0.92
# with gray and 0.69 squashed. Black is as good there (0.93), but frames `sunflower.bmp` so that the
# network takes it for a television.
GRAY = 127
# Labels of the file that are written as one word or are uncommon, and their replacements.
PLAIN = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "tvmonitor": "television",
}


class OutlineRunner:
    """A session of the segmentation network with the names of its classes."""

    def __init__(self, model: Model, labels: Sequence[str], decoder: Decoder):
        self.model = model.manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._labels = labels
        self._decoder = decoder
        self._side = model.manifest.input.side

    def prepare(self, data: bytes, params: dict[str, Any]) -> Letterboxed:
        """Return the whole image, upright, with its own aspect ratio."""
        return decode_letterboxed(self._decoder, data, self._side, GRAY)

    def run(
        self, prepared: Sequence[Letterboxed], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return outlines from the class of each pixel, int [side, side]."""
        masks = self._session.run([item.pixels for item in prepared])
        return [
            self._answer(mask, item.frame, options)
            for mask, item, options in zip(masks, prepared, params, strict=True)
        ]

    def _answer(
        self, mask: NDArray[np.integer], frame: Frame, options: dict[str, Any]
    ) -> dict[str, Any]:
        found = find_objects(mask, frame, self._labels, options)
        size = {"width": frame.width, "height": frame.height}
        return size | FORMATS[options["format"]](found, frame.width, frame.height)


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> OutlineRunner:
    """Load the default model or the one with this reference, and its labels; raises
    ModelUnavailable.
    """
    chosen = load(CONTRACT.name, settings.model_dir, model, settings.onnx_providers)
    labels = read_labels(chosen.manifest, settings.model_dir)
    return OutlineRunner(chosen, labels, decoder or open_decoder(settings))


def read_labels(manifest: Manifest, model_dir: Path) -> list[str]:
    """Return the names of the classes from the model's file. Raises ModelUnavailable."""
    return [PLAIN.get(name, name) for name in read_class_names(manifest, model_dir)]
