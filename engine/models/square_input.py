"""Models whose input is a square, and the classifier among them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.decoding.decoder import Decoder
from engine.models.fitting import needed_side, squares
from engine.models.labels import Label
from engine.models.loader import Model


class SquareInputModel:
    """A session of such a model, with the first half of a TaskRunner."""

    def __init__(self, model: Model, decoder: Decoder):
        self.model = model.manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._decoder = decoder
        self._side = model.manifest.input.side
        self._fit = model.manifest.fit

    def prepare(self, data: bytes, params: dict[str, Any]) -> NDArray[np.uint8]:
        """Return the squares of the image, as `engine.models.fitting.squares` describes them.

        Raises InputFault if the image cannot be decoded.
        """
        needed = needed_side(self._fit, self._side)
        with self._decoder.decoded(data, needed, needed) as pixels:
            return squares(pixels, self._fit, self._side)

    def outputs(self, prepared: Sequence[NDArray[np.uint8]]) -> list[NDArray[Any]]:
        """Return the model's output for each image: the mean of those of its squares."""
        every = iter(self._session.run([square for each in prepared for square in each]))
        return [
            next(every) if len(each) == 1 else np.mean([next(every) for _ in each], axis=0)
            for each in prepared
        ]


class Classifier(SquareInputModel):
    """A session of the ImageNet classifier, with the names of its classes."""

    def __init__(self, model: Model, labels: Sequence[Label], decoder: Decoder):
        super().__init__(model, decoder)
        self._labels = labels
        self._background = model.manifest.labels.background if model.manifest.labels else 0

    def probabilities(self, prepared: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return float32 [classes] for each image, without the background classes."""
        return [scores[self._background :] for scores in self.outputs(prepared)]
