"""fingerprint: reduce an image to a few grey pixels; there is no model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.settings import Settings
from engine.decoding.decoder import Decoder, open_decoder
from engine.duplicates.fingerprint import fingerprint_of, to_result

SIDE = 224  # pixels to decode: as for `embed`, which the index requests at the same time


class FingerprintRunner:
    """Makes fingerprints."""

    model: dict[str, Any] = {}  # noqa: RUF012  (the protocol's attribute; it is never changed)

    def __init__(self, decoder: Decoder):
        self._decoder = decoder

    def prepare(self, data: bytes, params: dict[str, Any]) -> NDArray[np.uint8]:
        """Return the fingerprint; raises InputFault if the image cannot be decoded."""
        with self._decoder.decoded(data, SIDE, SIDE) as pixels:
            return fingerprint_of(pixels)

    def run(
        self, prepared: Sequence[NDArray[np.uint8]], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the results."""
        return [to_result(pixels) for pixels in prepared]


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> FingerprintRunner:
    """Return a runner; `model` has no meaning."""
    return FingerprintRunner(decoder or open_decoder(settings))
