"""`labels://`: captions composed from the classifier's labels; no data leaves the machine."""

from collections.abc import Sequence
from functools import partial
from threading import Event, Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.services import Services
from common.settings import Settings
from common.tasks.classify import CONTRACT as CLASSIFY
from engine.captioners import only_default
from engine.captioners.sentence import Guess, sentence
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.labels import load_imagenet
from engine.models.loader import load
from engine.models.square_input import Classifier
from engine.tasks import WorkerPool

MOST_GUESSES = 5


class LabelsCaptioner(Classifier):
    """Writes sentences from the labels of a classifier session of its own."""

    def __init__(self, settings: Settings, decoder: Decoder | None = None):
        model = load(CLASSIFY.name, settings.model_dir, providers=settings.onnx_providers)
        super().__init__(model, load_imagenet(), decoder or open_decoder(settings))

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return a sentence for each image."""
        return [
            {"text": sentence(self._guesses(scores)), "source": "labels"}
            for scores in self.probabilities(prepared)
        ]

    def _guesses(self, scores: NDArray[np.float32]) -> list[Guess]:
        best = np.argsort(-scores, kind="stable")[:MOST_GUESSES].tolist()
        return [Guess(self._labels[index], float(scores[index])) for index in best]


class SharedLabels:
    """One LabelsCaptioner for many threads, opened at the first caption."""

    def __init__(self, settings: Settings, decoder: Decoder):
        self._settings = settings
        self._decoder = decoder
        self._lock = Lock()
        self._captioner: LabelsCaptioner | None = None

    @property
    def model(self) -> dict[str, Any]:
        """Return the classifier's identity; raises ModelUnavailable if it is not installed."""
        return self._opened().model

    def caption(self, data: bytes) -> dict[str, Any]:
        """Return the result for the bytes of an image; raises ModelUnavailable like `model`."""
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
    """Return a pool with one worker per core; `labels://` has no options."""
    settings = services.settings
    opener = only_default(partial(LabelsCaptioner, settings, decoder))
    return WorkerPool(settings.engine_workers, settings.batch_size, opener)
