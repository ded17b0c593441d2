"""classify: the 1,000 classes of ImageNet, as a person would name them, and broader terms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.settings import Settings
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.broader_terms import BroaderTerms
from engine.models.labels import Label, load_imagenet
from engine.models.loader import Model, load
from engine.pixels import to_square

# For the search, told or not. Over 1,000 photographs, one of each class, the class's name finds its
# own among the first ten in 94 % by the 5 labels of 0.05, in 97 % by 10 of 0.02, in 99 % by these.
MOST_KEPT, LEAST_KEPT = 20, 0.005


class ClassifyRunner:
    """A session of the classifier with the names of its classes."""

    def __init__(self, model: Model, labels: Sequence[Label], decoder: Decoder):
        manifest = model.manifest
        self.model = manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._labels = labels
        self._broader = BroaderTerms(labels)
        self._decoder = decoder
        self._side = manifest.input.shape[1]
        self._background = manifest.labels.background if manifest.labels else 0

    def prepare(self, data: bytes, params: dict[str, Any]) -> NDArray[np.uint8]:
        """The whole image as uint8 RGB [side, side, 3]: nothing at its edges is cut off."""
        with self._decoder.decoded(data, self._side, self._side) as pixels:
            return to_square(pixels, self._side)

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Labels from the probabilities float32 [classes] of each image."""
        return [
            self._answer(scores[self._background :], wish) | {"brightness": brightness(pixels)}
            for scores, wish, pixels in zip(
                self._session.run(prepared), params, prepared, strict=True
            )
        ]

    def _answer(self, scores: NDArray[np.float32], wish: dict[str, Any]) -> dict[str, Any]:
        top_k, threshold = wish["top_k"], wish["threshold"]
        best = np.argsort(-scores, kind="stable")[: max(top_k, MOST_KEPT)].tolist()
        sure = [index for index in best[:top_k] if scores[index] >= threshold]
        # However unsure it is, the best guess is an answer.
        told = len(sure) or 1
        rest = [(index, round(float(scores[index]), 4)) for index in best[told:MOST_KEPT]]
        return {
            "labels": [self._label(index, float(scores[index])) for index in best[:told]],
            "broader": self._broader.of(scores, threshold),
            "top_k": top_k,
            "threshold": threshold,
            "unsure": [(index, score) for index, score in rest if score >= LEAST_KEPT],
        }

    def _label(self, index: int, score: float) -> dict[str, Any]:
        label = self._labels[index]
        return {
            "class_id": index,
            "name": label.name,
            "wnid": label.wnid,
            "score": round(score, 6),
        }


def brightness(pixels: NDArray[np.uint8]) -> float:
    """The mean of uint8 [height, width, 3], 0 to 1, from every fourth pixel either way."""
    return round(float(pixels[::4, ::4].mean()) / 255, 4)


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> ClassifyRunner:
    """The default model, or the one of this reference, and its labels; raises ModelUnavailable."""
    chosen = load("classify", settings.model_dir, model)
    return ClassifyRunner(chosen, load_imagenet(), decoder or open_decoder(settings))
