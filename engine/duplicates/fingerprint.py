"""The fingerprint of a picture: 64 x 64 grey pixels, from which any part can be hashed later."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64  # pixels; the picture is squashed to a square

Grey = NDArray[np.float32]  # [SIDE, SIDE], 0 to 255


def fingerprint_of(image: Image.Image) -> NDArray[np.uint8]:
    """Return the picture as uint8 [SIDE, SIDE], grey; each pixel is the mean of its area."""
    import cv2  # with the first picture, because it takes 16 MB

    grey = np.asarray(image.convert("L"))
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def to_result(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the fingerprint as the stored result of its task."""
    return {"pixels": base64.b64encode(pixels.tobytes()).decode()}


def from_result(result: Mapping[str, Any]) -> Grey:
    """Return the fingerprint of a stored result."""
    pixels = np.frombuffer(base64.b64decode(result["pixels"], validate=True), np.uint8)
    return pixels.reshape(SIDE, SIDE).astype(np.float32)
