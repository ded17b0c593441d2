"""`labels://`: an honest sentence from what the classifier sees. Nothing leaves the machine."""

from collections.abc import Sequence
from functools import partial
from threading import Event, Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.services import Services
from common.settings import Settings
from engine.captioners import only_default
from engine.captioners.sentence import Guess, sentence
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.labels import Label, load_imagenet
from engine.models.loader import load
from engine.pixels import to_square
from engine.tasks import WorkerPool

MOST_GUESSES = 5


class LabelsCaptioner:
    """A session of the classifier of its own, and the names of its classes."""

    def __init__(self, settings: Settings, decoder: Decoder | None = None):
        model = load("classify", settings.model_dir)
        manifest = model.manifest
        self.model = manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._labels: Sequence[Label] = load_imagenet()
        self._decoder = decoder or open_decoder(settings)
        self._side = manifest.input.shape[1]
        self._background = manifest.labels.background if manifest.labels else 0

    def prepare(self, data: bytes, params: dict[str, Any]) -> NDArray[np.uint8]:
        """The whole image as uint8 RGB [side, side, 3], as for the task `classify`."""
        with self._decoder.decoded(data, self._side, self._side) as pixels:
            return to_square(pixels, self._side)

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """A sentence from the probabilities float32 [classes] of each image."""
        return [
            {"text": sentence(self._guesses(scores[self._background :])), "source": "labels"}
            for scores in self._session.run(prepared)
        ]

    def _guesses(self, scores: NDArray[np.float32]) -> list[Guess]:
        best = np.argsort(-scores, kind="stable")[:MOST_GUESSES].tolist()
        return [Guess(self._labels[index], float(scores[index])) for index in best]


class SharedLabels:
    """One LabelsCaptioner for many threads, opened when it is first needed."""

    def __init__(self, settings: Settings, decoder: Decoder):
        self._settings = settings
        self._decoder = decoder
        self._lock = Lock()
        self._captioner: LabelsCaptioner | None = None

    @property
    def model(self) -> dict[str, Any]:
        """As TaskRunner.run does. Raises ModelUnavailable when the classifier is not installed."""
        return self._opened().model

    def caption(self, data: bytes) -> dict[str, Any]:
        """The result for the bytes of an image; raises ModelUnavailable like `model`."""
        captioner = self._opened()
        prepared = captioner.prepare(data, {})
        with self._lock:
            return captioner.run([prepared], [{}])[0]

    def _opened(self) -> LabelsCaptioner:
        with self._lock:
            if self._captioner is None:
                self._captioner = LabelsCaptioner(self._settings, self._decoder)
            return self._captioner


def open_labels(url: str, services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """A crew that computes, thus one worker a core. Nothing in `labels://` can be set."""
    settings = services.settings
    opener = only_default(partial(LabelsCaptioner, settings, decoder))
    return WorkerPool(settings.engine_workers, settings.batch_size, opener)
