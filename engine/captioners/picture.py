"""The picture that a provider gets to see."""

from io import BytesIO

from PIL import Image

from engine.pixels import OVERSAMPLING, decode

SIDE = 768  # pixels of the longer side; enough for a sentence, and cheap
QUALITY = 85  # of the JPEG


def to_jpeg(data: bytes, max_pixels: int) -> bytes:
    """A new JPEG of the image, upright, its longer side at most SIDE, of pixels alone.

    Raises InputFault like `engine.pixels.decode`.
    """
    needed = -(-SIDE // OVERSAMPLING)
    image = decode(data, needed, needed, max_pixels=max_pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    # Pillow keeps what came with the pixels, and writes some of it, such as comments.
    image.info.clear()
    target = BytesIO()
    image.save(target, "JPEG", quality=QUALITY)
    return target.getvalue()
