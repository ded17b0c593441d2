"""Decode image files to pixels: upright, RGB, as small as the model allows.

Pillow does all of it, with libheif for HEIC. OpenCV and simplejpeg decode a JPEG hardly faster at a
reduced scale, and Pillow has one behavior for all variants and all kinds of damage.
"""

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from common.errors import InputFault
from common.images.formats import Header, read_start
from common.images.formats.bare import BarePixels, bare_pixels
from common.images.formats.header import too_many_pixels
from engine.decoding.opening import open_image
from engine.decoding.rendering import render

MAX_PIXELS = 40_000_000

# Increase it when the pixels of the same file change: results are cached and compared by it.
PREPROCESSING = 3

# A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size for a fraction of the cost. OVERSAMPLING is
# the minimum number of decoded pixels per pixel of the model's input, along each side. Of 1,000
# photographs, one of each class of ImageNet, the classifier names 917 with 1.25 and 918 with 3.
OVERSAMPLING = 1.25

# Other formats are reduced by averaging, and only down to this side, three times that of the
# largest model, so that the tasks of an image share one decode.
SHARED_SIDE = 1539
MOST_DCT_SCALE, MOST_SCALE = 8, 1 << 14

# The transposition that turns each EXIF orientation upright, as in Pillow's exif_transpose.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, width: int, height: int, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the first frame of an image file as it is displayed, for a model of width x height:
    upright, in sRGB, on a white background where it is transparent, in mode RGB.

    The result is at least OVERSAMPLING times as wide and high as the model's input, or as large as
    the stored image. Metadata that does not affect the pixels is not read, so it can neither break
    nor change the picture. A profile that is broken or of another color space is ignored. Of 16-bit
    values the upper 8 bits are used. A JPEG with damaged data in the middle is accepted as by
    browsers, with what could be read.

    `np.asarray` of the result is uint8 [height, width, 3]. Raises InputFault `image_undecodable` or
    `image_too_many_pixels`, and the errors of `common.images.formats.read_header`.
    """
    header = read_start(data)
    check_size(header, max_pixels)
    return decode_at(data, header, scale_of(header, width, height))


def check_size(header: Header, max_pixels: int) -> None:
    """Raise InputFault `image_too_many_pixels` if the image is too large to be decoded."""
    if header.pixels > max_pixels:
        raise too_many_pixels(header, max_pixels)


def scale_of(header: Header, width: int, height: int) -> int:
    """Return the power of 2 by which the image is reduced for a model of width x height.

    A JPEG is reduced as far as the model allows. Other formats are decoded whole anyway, and are
    reduced so that all models can share the result.
    """
    needed = OVERSAMPLING * width, OVERSAMPLING * height
    is_jpeg = header.media_type == "image/jpeg"
    scale, maximum = 1, MOST_DCT_SCALE if is_jpeg else MOST_SCALE
    minimum = needed if is_jpeg else (max(SHARED_SIDE, needed[0]), max(SHARED_SIDE, needed[1]))
    sides = header.upright_size
    while 2 * scale <= maximum and all(
        side // (2 * scale) >= enough for side, enough in zip(sides, minimum, strict=True)
    ):
        scale *= 2
    return scale


def fitting(whole: tuple[int, int], size: int) -> tuple[int, int]:
    """Return the largest width and height of that aspect ratio with sides of at most `size`; never
    enlarges.
    """
    scale = min(1.0, size / max(whole))
    return max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))


def decode_at(data: bytes, header: Header, scale: int) -> Image.Image:
    """Return the image like `decode`, at 1/scale of its size."""
    try:
        pixels = _read(bare_pixels(data, header), header.media_type, scale)
    except (InputFault, MemoryError):
        raise
    except Exception as error:
        # Decoders raise many kinds of errors for broken files: OSError, SyntaxError, struct.error,
        # ...
        raise InputFault(
            "The image cannot be decoded: its data is broken or of an unsupported variant.",
            code="image_undecodable",
        ) from error
    turn = _UPRIGHT.get(header.orientation)
    return pixels if turn is None else pixels.transpose(turn)


def _read(bare: BarePixels, media_type: str, scale: int) -> Image.Image:
    """Return the picture as stored, at 1/scale of its size."""
    with open_image(bare.data, media_type) as image:
        if isinstance(image, JpegImageFile):
            width, height = image.size
            image.draft("RGB", (width // scale, height // scale))
            scale = 1
            # All at once instead of in pieces of 64 KB saves a twentieth of the time.
            image.decodermaxblock = len(bare.data)
        image.load()
        return render(image.crop(bare.crop) if bare.crop else image, bare, scale)
