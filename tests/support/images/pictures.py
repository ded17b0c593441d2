"""Pictures for tests: by Pillow, by hand, and the real photographs where they are installed."""

import io
import os
import struct
import zlib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.checkout import CHECKOUT

RAW_EXIF = "Raw profile type exif"
ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="%d" exif:GPSLatitude="52,30N"/>'


def picture(mode: str = "RGB", size: tuple[int, int] = (67, 45), *, seed: int = 0) -> Image.Image:
    """A picture without symmetry, in any of Pillow's modes that a file can hold."""
    ramp = Image.linear_gradient("L").resize(size)
    noise = Image.frombytes("L", size, Random(seed).randbytes(size[0] * size[1]))
    if mode == "I;16":
        return ramp.convert("I").point(lambda value: value * 200).convert("I;16")
    rgb = Image.merge("RGB", (ramp, noise, ramp.transpose(Image.Transpose.TRANSPOSE).resize(size)))
    if mode in ("RGBA", "LA"):
        rgb.putalpha(ramp)
    return rgb.convert(mode)


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    """The file that Pillow writes; `form` is its name for the format."""
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def decode(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def exif(orientation: int | None) -> Image.Exif:
    """EXIF with a maker, a place and, unless None, an orientation."""
    block = Image.Exif()
    block[MAKER] = "Maker"
    if orientation is not None:
        block[ORIENTATION] = orientation
    block[GPS] = {1: "N", 2: (52.0, 30.0, 1.0), 3: "E", 4: (13.0, 24.0, 2.0)}
    return block


def png_text(
    key: str, value: str, *, compressed: bool, international: bool, **options: Any
) -> bytes:
    """A PNG with one text chunk: tEXt, zTXt or iTXt."""
    info = PngInfo()
    add = info.add_itxt if international else info.add_text
    add(key, value, zip=compressed)
    return encode(picture(), "PNG", pnginfo=info, **options)


@cache
def every_kind() -> dict[str, bytes]:
    """A file of every kind that is accepted and that Pillow can write, by name."""
    return {**_stills(), **_animations(), **_oriented()}


def _stills() -> dict[str, bytes]:
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "progressive": {"progressive": True},
        "optimised": {"optimize": True},
        "restarts": {"restart_marker_blocks": 1},
        "progressive with restarts": {"progressive": True, "restart_marker_rows": 1},
        "best, with comment and profile": {
            "quality": 100, "subsampling": 0, "comment": b"at home", "icc_profile": bytes(70_000),
        },
    }  # fmt: skip
    files = {
        f"JPEG {mode} {name}": encode(picture(mode), "JPEG", **chosen)
        for mode in ("L", "RGB", "CMYK", "YCbCr")
        for name, chosen in options.items()
    }
    modes = {
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
        "GIF": ("1", "L", "P", "RGB", "RGBA"),
        "BMP": ("1", "L", "P", "RGB", "RGBA"),
        "WEBP": ("L", "RGB", "RGBA"),
        "AVIF": ("L", "RGB", "RGBA"),
        "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"),
    }
    files |= {
        f"{form} {mode}": encode(picture(mode), form) for form in modes for mode in modes[form]
    }
    for mode in modes["WEBP"]:
        files[f"WEBP {mode} lossless"] = encode(picture(mode), "WEBP", lossless=True)
    for name in ("packbits", "tiff_lzw", "tiff_deflate", "jpeg"):
        files[f"TIFF {name}"] = encode(picture(), "TIFF", compression=name)
    files["TIFF group4"] = encode(picture("1"), "TIFF", compression="group4")
    transparent = encode(picture("P"), "PNG", transparency=bytes(range(256)))
    files["PNG with a transparent palette"] = transparent
    files["GIF with comment"] = encode(picture("P"), "GIF", comment=b"at home" * 100)
    files["PNG with profile"] = encode(picture(), "PNG", icc_profile=bytes(500), dpi=(72, 72))
    files["WEBP with profile"] = encode(picture(), "WEBP", icc_profile=bytes(501))
    return files


def _animations() -> dict[str, bytes]:
    files = {}
    for mode in ("RGB", "RGBA"):
        for form in ("GIF", "PNG", "WEBP"):
            files[f"{form} {mode} animated"] = animation(form, 5, mode)
    files["PNG animated, default picture apart"] = animation("PNG", 5, default_image=True)
    files["PNG animated, with place"] = animation("PNG", 3, exif=exif(8))
    files["WEBP animated, with place"] = animation("WEBP", 3, exif=exif(6), xmp=XMP % 1)
    return files


def animation(form: str, frames: int, mode: str = "RGB", **options: Any) -> bytes:
    first, *rest = [picture(mode, seed=number) for number in range(frames)]
    return encode(first, form, save_all=True, append_images=rest, loop=0, **options)


def _oriented() -> dict[str, bytes]:
    files = {}
    for value in (None, *range(10)):
        xmp, raw = XMP % (value or 1), exif(value).tobytes()
        profile = f"\nexif\n{len(raw):8}\n{raw.hex()}\n"
        files[f"PNG EXIF twice {value}"] = png_text(
            RAW_EXIF, profile, compressed=True, international=False, exif=exif(3)
        )
        for form in ("JPEG", "PNG", "WEBP"):
            files[f"{form} EXIF {value}"] = encode(picture(), form, exif=exif(value))
        for form in ("JPEG", "WEBP"):
            files[f"{form} XMP {value}"] = encode(picture(), form, xmp=xmp)
            both = encode(picture(), form, xmp=xmp, exif=exif(None))
            files[f"{form} EXIF without, XMP {value}"] = both
        for compressed in (False, True):
            for key, text in (
                ("XML:com.adobe.xmp", xmp.decode()),
                (RAW_EXIF, profile),
            ):
                for international in (False, True):
                    files[f"PNG {key} {value} {compressed} {international}"] = png_text(
                        key, text, compressed=compressed, international=international
                    )
    return files


@cache
def photographs() -> dict[str, bytes]:
    """The photographs of IMAGES_DIR, or of ../shared/images beside the checkout; maybe none."""
    beside = CHECKOUT.parent / "shared" / "images"
    folder = Path(os.environ.get("IMAGES_DIR") or beside)
    paths = sorted(path for suffix in ("jpg", "bmp") for path in folder.glob(f"*.{suffix}"))
    return {path.name: path.read_bytes() for path in paths}


SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(payload)) + payload


def frame(width: int, height: int, marker: int = 0xC0, bits: int = 8) -> bytes:
    return segment(marker, struct.pack(">BHHBBBB", bits, height, width, 1, 1, 0x11, 0))


SCAN = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd3\x56"


def chunk(kind: bytes, payload: bytes = b"") -> bytes:
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks)


BOMB_SIDE = 6_320  # pixels: 40 megapixels, in a file of 170 KB


def bomb(number: int) -> bytes:
    """A PNG of 40 megapixels, RGBA, different from that of another number below 256."""
    packed = zlib.compressobj(9)
    line = b"\0" + bytes([number]) * (4 * BOMB_SIDE)
    data = b"".join(packed.compress(line) for _ in range(BOMB_SIDE)) + packed.flush()
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def bmp(depth: int, height: int, compression: int = 0, pixels: bytes | None = None) -> bytes:
    """40 x |height| pixels with a header of 40 bytes; `pixels` only where they are coded."""
    rows = bytes((40 * depth + 31) // 32 * 4 * abs(height)) if pixels is None else pixels
    palette = bytes(4 << depth) if depth <= 8 else b""
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F) if compression == 3 else b""
    offset = 54 + len(masks) + len(palette)
    return b"".join((
        struct.pack("<2sIII", b"BM", offset + len(rows), 0, offset),
        struct.pack("<IiiHHIIiiII", 40, 40, height, 1, depth, compression, len(rows), 0, 0, 0, 0),
        masks, palette, rows,
    ))  # fmt: skip
