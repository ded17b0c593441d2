"""embed: the output of the feature extractor as a vector of length 1."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.settings import Settings
from common.tasks.embed import CONTRACT
from engine.decoding.decoder import Decoder, open_decoder
from engine.models.loader import load
from engine.models.square_input import SquareInputModel


class EmbedRunner(SquareInputModel):
    """Returns the output of the feature extractor as a vector of length 1."""

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the vector of each image as base64 of little-endian float32: a third of the size
        of decimal numbers, and readable without parsing.
        """
        vectors = [to_length_1(output.ravel()) for output in self.outputs(prepared)]
        return [
            {
                "dimensions": len(vector),
                "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
            }
            for vector in vectors
        ]


def to_length_1(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 [dimensions] divided by its L2 norm; a zero vector is returned unchanged."""
    norm = np.linalg.norm(vector.astype(np.float64))
    return (vector / norm if norm else vector).astype(np.float32)


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> EmbedRunner:
    """Load the default model or the one with this reference; raises ModelUnavailable."""
    chosen = load(CONTRACT.name, settings.model_dir, model, settings.onnx_providers)
    return EmbedRunner(chosen, decoder or open_decoder(settings))
