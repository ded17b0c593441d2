"""embed: the features of the catalogue's extractor, as a vector of length 1."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.settings import Settings
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.loader import Model, load
from engine.pixels import to_square


class EmbedRunner:
    """A session of the extractor."""

    def __init__(self, model: Model, decoder: Decoder):
        self.model = model.manifest.identity
        self.batches = model.batches
        self._session = model.session()
        self._decoder = decoder
        self._side = model.manifest.input.shape[1]

    def prepare(self, data: bytes, params: dict[str, Any]) -> NDArray[np.uint8]:
        """The whole image as uint8 RGB [side, side, 3]."""
        with self._decoder.decoded(data, self._side, self._side) as pixels:
            return to_square(pixels, self._side)

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The vector of each image as base64 of little-endian float32: a third of the numbers
        written out, and what an index reads without parsing.
        """
        vectors = [to_length_1(output.ravel()) for output in self._session.run(prepared)]
        return [
            {
                "dimensions": len(vector),
                "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
            }
            for vector in vectors
        ]


def to_length_1(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector float32 [dimensions] over its L2 norm; of zeros alone, zeros."""
    norm = np.linalg.norm(vector.astype(np.float64))
    return (vector / norm if norm else vector).astype(np.float32)


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> EmbedRunner:
    """The default extractor, or the one of this reference; raises ModelUnavailable."""
    return EmbedRunner(load("embed", settings.model_dir, model), decoder or open_decoder(settings))
