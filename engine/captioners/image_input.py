"""The picture that a provider receives."""

import math
from io import BytesIO

from PIL import Image

from engine.decoding.decoder import Decoder
from engine.pixels import OVERSAMPLING

SIDE = 768  # pixels of the longer side; enough for a sentence, and cheap
QUALITY = 85  # of the JPEG


def to_jpeg(data: bytes, decoder: Decoder) -> bytes:
    """Return a new JPEG of the image: upright, its longer side at most SIDE, without metadata.

    Raises InputFault like `Decoder.decoded`.
    """
    needed = math.ceil(SIDE / OVERSAMPLING)
    with decoder.decoded(data, needed, needed) as decoded:
        image = decoded.copy()
        image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    # Pillow keeps metadata of the original and would write some of it, such as comments.
    image.info.clear()
    target = BytesIO()
    image.save(target, "JPEG", quality=QUALITY)
    return target.getvalue()
