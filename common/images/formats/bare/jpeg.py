"""JPEG: tables, frame and scans, with the two application segments that libjpeg uses."""

from common.images.formats.bare.pixels import BarePixels
from common.images.formats.jpeg import segments

_SOI = b"\xff\xd8"
_APP0, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE2, 0xEE, 0xEF, 0xFE
_PROFILE = b"ICC_PROFILE\0"

# Both say how colours are coded; libjpeg takes no notice of shorter ones.
_JFIF, _JFIF_BYTES = b"JFIF\0", 14
_ADOBE, _ADOBE_BYTES = b"Adobe", 12
_PLAIN_JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def bare(data: bytes) -> BarePixels:
    """The picture without application segments, comments and what is between segments.

    What follows its only scan is left to the decoder, which stops at the end marker.
    """
    view = memoryview(data)
    parts: list[bytes | memoryview] = [_SOI]
    pieces: list[bytes] = []
    for marker, start, end in segments(data, past_only_scan=False):
        payload = start + 4
        if marker == _APP0:
            if data.startswith(_JFIF, payload) and end - payload >= _JFIF_BYTES:
                parts.append(_PLAIN_JFIF)
        elif marker == _APP14:
            if data.startswith(_ADOBE, payload) and end - payload >= _ADOBE_BYTES:
                parts.append(view[start:end])
        elif marker == _APP2:
            if data.startswith(_PROFILE, payload):
                pieces.append(data[payload + len(_PROFILE) : end])
        elif not (_APP0 <= marker <= _APP15 or marker == _COM):
            parts.append(view[start:end])
    return BarePixels(b"".join(parts), _joined(pieces))


def _joined(pieces: list[bytes]) -> bytes:
    """The profile whose numbered pieces these are; empty if one is missing or they disagree on how
    many there are. Of pieces with the same number the first counts.
    """
    whole = [piece for piece in pieces if len(piece) > 2]
    numbered = {piece[0]: piece[2:] for piece in reversed(whole)}
    wanted = list(range(1, len(numbered) + 1))
    if sorted(numbered) != wanted or {piece[1] for piece in whole} != {len(numbered)}:
        return b""
    return b"".join(numbered[number] for number in wanted)
