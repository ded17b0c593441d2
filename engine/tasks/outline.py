"""outline: where the objects are, from the classes that the network gives to pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from common.images.formats import read_header
from common.settings import Settings
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
# What the label file writes together, or as nobody says it.
PLAIN = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "tvmonitor": "television",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The network's input uint8 [side, side, 3], and where in it the image is."""

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
        """The whole image, upright, at its own aspect."""
        width, height = read_header(data).upright_size
        frame = frame_of(width, height, self._side)
        with self._decoder.decoded(data, frame.inner_width, frame.inner_height) as image:
            return Prepared(fill(image, frame, self._side), frame)

    def run(
        self, prepared: Sequence[Prepared], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Outlines from the class of each pixel, int [side, side]."""
        masks = self._session.run([item.pixels for item in prepared])
        return [
            self._answer(mask, item.frame, wish)
            for mask, item, wish in zip(masks, prepared, params, strict=True)
        ]

    def _answer(
        self, mask: NDArray[np.integer], frame: Frame, wish: dict[str, Any]
    ) -> dict[str, Any]:
        found = find_objects(mask, frame, self._labels, wish)
        size = {"width": frame.width, "height": frame.height}
        return size | FORMATS[wish["format"]](found, frame.width, frame.height)


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> OutlineRunner:
    """The default model, or the one of this reference, and its labels; raises ModelUnavailable."""
    chosen = load("outline", settings.model_dir, model)
    labels = read_labels(chosen.manifest, settings.model_dir)
    return OutlineRunner(chosen, labels, decoder or open_decoder(settings))


def read_labels(manifest: Manifest, model_dir: Path) -> list[str]:
    """The classes' names from the file that the manifest calls the set of labels: one a line, and
    what follows an empty line is about the file. Raises ModelUnavailable.
    """
    path = model_dir / manifest.folder / (manifest.labels.set if manifest.labels else "")
    try:
        names = path.read_text().split("\n\n")[0].splitlines()
    except OSError as error:
        raise ModelUnavailable(
            f"{manifest.folder} does not say what its classes are: its labels' set names no file."
        ) from error
    return [PLAIN.get(name, name) for name in names]
