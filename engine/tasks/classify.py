"""classify: labels of ImageNet's 1,000 classes, and broader terms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.settings import Settings
from common.tasks.classify import CONTRACT
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.broader_terms import BroaderTerms
from engine.models.labels import Label, load_imagenet
from engine.models.loader import Model, load
from engine.models.square_input import Classifier

# Labels stored for the search, whether or not the result contains them. In a gallery of 1,000
# photographs, one per class, a search for the class name returns the photograph among the first ten
# for 94 % of classes with 5 labels of at least 0.05, 97 % with 10 of 0.02, and 99 % with these.
MOST_KEPT, LEAST_KEPT = 20, 0.005


class ClassifyRunner(Classifier):
    """Returns labels and broader terms from the classifier's probabilities."""

    def __init__(self, model: Model, labels: Sequence[Label], decoder: Decoder):
        super().__init__(model, labels, decoder)
        self._broader = BroaderTerms(labels)

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the labels, broader terms and brightness of each image."""
        return [
            self._result(scores, each) | {"brightness": brightness(squares)}
            for scores, each, squares in zip(
                self.probabilities(prepared), params, prepared, strict=True
            )
        ]

    def _result(self, scores: NDArray[np.float32], params: dict[str, Any]) -> dict[str, Any]:
        top_k, threshold = params["top_k"], params["threshold"]
        best = np.argsort(-scores, kind="stable")[: max(top_k, MOST_KEPT)].tolist()
        above = [index for index in best[:top_k] if scores[index] >= threshold]
        count = len(above) or 1  # the best label is returned even if it is below the threshold
        rest = [(index, round(float(scores[index]), 4)) for index in best[count:MOST_KEPT]]
        return {
            "labels": [self._label(index, float(scores[index])) for index in best[:count]],
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


def brightness(squares: NDArray[np.uint8]) -> float:
    """Return the mean of uint8 [squares, height, width, 3] as 0 to 1, from every fourth row and
    column.
    """
    return round(float(squares[:, ::4, ::4].mean()) / 255, 4)


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> ClassifyRunner:
    """Load the default model or the one with this reference; raises ModelUnavailable."""
    chosen = load(CONTRACT.name, settings.model_dir, model, settings.onnx_providers)
    return ClassifyRunner(chosen, load_imagenet(), decoder or open_decoder(settings))
