"""outline: find objects by the class that the segmentation network gives to each pixel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from common.images.formats import read_start
from common.settings import Settings
from common.tasks.outline import CONTRACT
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.catalogue import Manifest
from engine.models.loader import Model, load
from engine.outlines import coco, geojson, polygons, svg
from engine.outlines.frame import Frame, fill, frame_of
from engine.outlines.objects import find_objects
from engine.outlines.shapes import Outline

Render = Callable[[Sequence[Outline], int, int], dict[str, Any]]
FORMATS: dict[str, Render] = {
    "polygons": polygons.render,
    "geojson": geojson.render,
    "coco": coco.render,
    "svg": svg.render,
}
# Labels of the file that are written as one word or are uncommon, and their replacements.
PLAIN = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "tvmonitor": "television",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The network's input uint8 [side, side, 3], and the position of the image in it."""

    pixels: NDArray[np.uint8]
    frame: Frame


class OutlineRunner:
    """A session of the segmentation network with the names of its classes."""

    def __init__(self, model: Model, labels: Sequence[str], decoder: Decoder):
        self.model = model.manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._labels = labels
        self._decoder = decoder
        self._side = model.manifest.input.shape[1]

    def prepare(self, data: bytes, params: dict[str, Any]) -> Prepared:
        """Return the whole image, upright, with its own aspect ratio."""
        width, height = read_start(data).upright_size
        frame = frame_of(width, height, self._side)
        with self._decoder.decoded(data, frame.inner_width, frame.inner_height) as image:
            return Prepared(fill(image, frame, self._side), frame)

    def run(
        self, prepared: Sequence[Prepared], params: Sequence[dict[str, Any]]
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
    chosen = load(CONTRACT.name, settings.model_dir, model)
    labels = read_labels(chosen.manifest, settings.model_dir)
    return OutlineRunner(chosen, labels, decoder or open_decoder(settings))


def read_labels(manifest: Manifest, model_dir: Path) -> list[str]:
    """Return the names of the classes from the file that the manifest calls the set of labels: one
    per line; lines after an empty one describe the file. Raises ModelUnavailable.
    """
    path = model_dir / manifest.folder / (manifest.labels.set if manifest.labels else "")
    try:
        names = path.read_text().split("\n\n")[0].splitlines()
    except OSError as error:
        raise ModelUnavailable(
            f"{manifest.folder} has no names for its classes: `labels.set` in its model.json must "
            "name a file of the model."
        ) from error
    return [PLAIN.get(name, name) for name in names]
