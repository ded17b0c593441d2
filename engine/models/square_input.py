"""Models whose input is the whole image as a square, and the classifier among them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.decoding.decoder import Decoder
from engine.models.labels import Label
from engine.models.loader import Model
from engine.pixels import to_square


class SquareInputModel:
    """A session of such a model, with the first half of a TaskRunner."""

    def __init__(self, model: Model, decoder: Decoder):
        self.model = model.manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._decoder = decoder
        self._side = model.manifest.input.shape[1]

    def prepare(self, data: bytes, params: dict[str, Any]) -> NDArray[np.uint8]:
        """Return the image as uint8 RGB [side, side, 3]; nothing is cropped.

        Raises InputFault if the image cannot be decoded.
        """
        with self._decoder.decoded(data, self._side, self._side) as pixels:
            return to_square(pixels, self._side)


class Classifier(SquareInputModel):
    """A session of the ImageNet classifier, with the names of its classes."""

    def __init__(self, model: Model, labels: Sequence[Label], decoder: Decoder):
        super().__init__(model, decoder)
        self._labels = labels
        self._background = model.manifest.labels.background if model.manifest.labels else 0

    def probabilities(self, prepared: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return float32 [classes] for each image, without the background classes."""
        return [scores[self._background :] for scores in self._session.run(prepared)]
