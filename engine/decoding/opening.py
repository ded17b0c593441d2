"""Opening bare pixels with the decoder of their format: libheif for HEIC, Pillow for all others.

The threads of a worker pool decode side by side, so each decoder works in the thread that calls it.
"""

from io import BytesIO

import pi_heif
from PIL import AvifImagePlugin, Image

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/avif": "AVIF",
    "image/tiff": "TIFF",
}
_HEIC = "image/heic"

# Both libraries take the number of threads from a global: here none beside the caller's.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
pi_heif.options.DECODE_THREADS = 0


def open_image(data: bytes, media_type: str) -> Image.Image:
    """Return the image in a file of this media type; only that format is tried.

    A HEIC is decoded at once, other images by `load`. Raises whatever a decoder raises for a file
    that it cannot read.
    """
    if media_type == _HEIC:
        return _heic(data)
    return Image.open(BytesIO(data), formats=(_FORMATS[media_type],))


def _heic(data: bytes) -> Image.Image:
    """Values of more than 8 bits become 8 bits, but for grey ones, which become 16."""
    file = pi_heif.open_heif(data, convert_hdr_to_8bit=True, hdr_to_16bit=True)
    image = Image.frombytes(file.mode, file.size, file.data, "raw", file.mode, file.stride)
    return image.convert("RGBA") if file.mode == "RGBa" else image
