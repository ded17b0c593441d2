"""read: the text in an image, line by line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from common.images.formats import read_start
from common.services import Services
from common.settings import Settings
from common.tasks.read import CONTRACT, LONGEST_LINE
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.catalogue import Manifest
from engine.models.loader import DescribedSession, Session, load, load_part
from engine.tasks import WorkerPool
from engine.texts import characters
from engine.texts.page import PageSize, draw, page_size
from engine.texts.reading_order import reading_order
from engine.texts.regions import Corners, find_regions
from engine.texts.strips import batches, cut_strip

DECODER = "pp-ocr"
RECOGNIZER = "recognizer"  # role of the second network
ALPHABET = "character"  # name of the recognizer's alphabet in its metadata
BATCH = 4  # pages of 5 MB that wait at once; a batch must end within the lease
MOST_WIDTH = 200_000  # pixels of all strips of an image, which bounds the time for it


@dataclass(frozen=True, slots=True)
class Prepared:
    """The page uint8 [height, width, 3], and its size relative to the image."""

    pixels: NDArray[np.uint8]
    size: PageSize


class ReadRunner:
    """A session of the detector and one of the recognizer."""

    batches = False

    def __init__(
        self, manifest: Manifest, detector: Session, recognizer: DescribedSession, decoder: Decoder
    ):
        self.model = manifest.identity
        self._detector = detector
        self._recognizer = recognizer
        self._decoder = decoder
        self._alphabet: list[str] = []

    def prepare(self, data: bytes, params: dict[str, Any]) -> Prepared:
        """Return the whole image, upright, on a page."""
        size = page_size(*read_start(data).upright_size)
        with self._decoder.decoded(data, size.inner_width, size.inner_height) as image:
            return Prepared(draw(image, size), size)

    def run(
        self, prepared: Sequence[Prepared], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the lines of each image in reading order."""
        return [self._read(page, options) for page, options in zip(prepared, params, strict=True)]

    def _read(self, page: Prepared, options: dict[str, Any]) -> dict[str, Any]:
        [probabilities] = self._detector.run([page.pixels])
        regions = find_regions(probabilities[0])
        regions = [regions[place] for place in reading_order(regions)]
        strips = _within_limit(cut_strip(page.pixels, corners) for corners in regions)
        found = [
            {"text": text, "score": score, "polygon": _rounded(page.size, corners)}
            for (text, score), corners in zip(self._recognize(strips), regions, strict=False)
            if text and score >= options["min_score"]
        ]
        most = options["max_lines"]
        is_complete = len(strips) == len(regions) and len(found) <= most
        return {
            "width": page.size.width,
            "height": page.size.height,
            "lines": found[:most],
            "is_complete": is_complete,
        }

    def _recognize(self, strips: Sequence[NDArray[np.uint8]]) -> list[tuple[str, float]]:
        """Return the text and score of each strip."""
        texts = [("", 0.0)] * len(strips)
        for places, padded in batches(strips):
            for place, steps in zip(places, self._recognizer.run(padded), strict=True):
                text, score = characters.decode(steps, self._characters(steps), LONGEST_LINE)
                texts[place] = text, round(score, 4)
        return texts

    def _characters(self, steps: NDArray[np.float32]) -> list[str]:
        """Return the recognizer's alphabet; raises ModelUnavailable if it does not fit."""
        if not self._alphabet:
            self._alphabet = characters.alphabet_of(
                self._recognizer.read_metadata().get(ALPHABET, "")
            )
        if len(self._alphabet) != steps.shape[1]:
            raise ModelUnavailable(
                f"The recognizer distinguishes {steps.shape[1]} classes, but its metadata "
                f"`{ALPHABET}` describes {len(self._alphabet)}."
            )
        return self._alphabet


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> ReadRunner:
    """Load the default model or the one with this reference; raises ModelUnavailable."""
    detector = load(CONTRACT.name, settings.model_dir, model, settings.onnx_providers)
    manifest = detector.manifest
    recognizer = load_part(manifest, RECOGNIZER, settings.model_dir, settings.onnx_providers)
    reading = recognizer.session()
    if manifest.decoder != DECODER or not isinstance(reading, DescribedSession):
        raise ModelUnavailable(
            f"{manifest.folder} cannot be used: in its model.json `decoder` must be {DECODER}, and "
            "`runtime` onnx."
        )
    return ReadRunner(manifest, detector.session(), reading, decoder or open_decoder(settings))


def open_worker_pool(services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """Return a pool of one worker: an image takes a core for up to some seconds."""
    return WorkerPool(1, BATCH, partial(open_runner, services.settings, decoder=decoder))


def _within_limit(strips: Iterable[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return the first strips whose widths together are at most MOST_WIDTH."""
    taken: list[NDArray[np.uint8]] = []
    width = 0
    for strip in strips:
        width += strip.shape[1]
        if width > MOST_WIDTH:
            break
        taken.append(strip)
    return taken


def _rounded(size: PageSize, corners: Corners) -> list[list[float]]:
    points: list[list[float]] = size.to_image(corners).astype(float).round(1).tolist()
    return points
