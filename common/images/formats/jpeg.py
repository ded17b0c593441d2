"""JPEG: size, orientation and end found by walking the marker segments (ITU-T T.81, annex B).

Entropy-coded data is passed over by a compiled expression, at about 2.5 GB/s, never decoded.
"""

import re
import struct
from dataclasses import replace

from common.images.formats import exif
from common.images.formats.header import Header, malformed, truncated

_NAME = "JPEG"
_SOI_BYTES = b"\xff\xd8"
_SOI, _EOI, _SOS, _DNL, _APP0, _APP1, _COM = 0xD8, 0xD9, 0xDA, 0xDC, 0xE0, 0xE1, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # not DHT, JPG, DAC
_SEQUENTIAL = frozenset((0xC0, 0xC1, 0xC9))

# What starts a segment or ends the file. Any other byte after FF is stuffing, a restart, fill or
# damage; decoders pass over these between segments as they do within a scan.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")

_WINDOW = 1 << 18  # bytes

# A 10 MB ICC profile or XMP packet takes 160 segments; 64 KB each, these make 268 MB.
_MOST_SEGMENTS = 4096
# Each scan is a pass over the whole picture, so a small file of many scans keeps a decoder busy for
# minutes. Encoders write a dozen; Skia, the decoder in Chrome and Android, gives up at 100 as well.
_MOST_SCANS = 100

# Application segments that change what the pixels look like. Of the others (EXIF, XMP, IPTC, MPF,
# C2PA, makers' own, thumbnails) none does, and any may say where the photograph was taken.
_KEPT_APPLICATIONS = {_APP0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_EXIF = b"Exif\0"  # the sixth byte of the identifier is padding of any value

Segment = tuple[int, int, int]


def recognises(data: bytes) -> bool:
    """Whether the file begins as a JPEG does."""
    return data.startswith(b"\xff\xd8\xff")


def read(data: bytes) -> Header:
    """Return the header; it is `complete` if an end marker follows a scan. End markers within
    segments (EXIF thumbnails have one) do not count, and bytes after the end are ignored.
    """
    return _describe(data, segments(data))


def read_start(data: bytes) -> Header:
    """Return the header without searching for the end of a picture of one scan, which counts as
    complete.
    """
    walked = segments(data, past_only_scan=False)
    header = _describe(data, walked)
    return replace(header, complete=True) if header.decodes_by_rows else header


def strip(data: bytes) -> bytes:
    """Return the file without EXIF except the orientation, XMP, IPTC, comments, thumbnails and
    bytes after its end.
    """
    walked = segments(data)
    header = _describe(data, walked)
    header.require_complete(_NAME)
    view = memoryview(data)
    kept = [segment for segment in walked if _is_kept(data, *segment)]
    parts: list[bytes | memoryview] = [_SOI_BYTES, *(view[start:end] for _, start, end in kept)]
    if header.orientation != 1:
        # JFIF is to be first where it is present, EXIF comes right after it.
        place = 2 if kept[0][0] == _APP0 else 1
        payload = exif.IDENTIFIER + exif.minimal(header.orientation)
        parts.insert(place, struct.pack(">BBH", 0xFF, _APP1, 2 + len(payload)) + payload)
    return b"".join(parts)


def segments(data: bytes, *, past_only_scan: bool = True) -> list[Segment]:
    """Every segment as (marker, start, end), the end marker last unless the file is cut short.

    A scan's `end` takes in its entropy-coded data; fill bytes and junk belong to no segment. With
    `past_only_scan` False, a scan of the whole picture is the last segment and takes in all bytes
    up to the end of the file: searching them for its end costs 1 ms per megabyte.
    """
    walked: list[Segment] = []
    found = _next_marker(data, len(_SOI_BYTES))
    while found is not None and len(walked) < _MOST_SEGMENTS:
        start = found.start()
        marker = data[start + 1]
        if marker == _EOI:
            return [*walked, (marker, start, start + 2)]
        end = _segment_end(data, marker, start)
        if end > len(data):
            return walked
        if not past_only_scan and marker == _SOS and _holds_all(data, walked, start):
            return [*walked, (marker, start, len(data))]
        found = _next_marker(data, end)
        if marker == _SOS:
            end = found.start() if found else len(data)
        walked.append((marker, start, end))
    if found is not None:
        raise malformed(_NAME, f"it has more than {_MOST_SEGMENTS:,} segments")
    return walked


def _next_marker(data: bytes, position: int) -> re.Match[bytes] | None:
    """Return the next marker; it is searched in windows, between which other threads can run."""
    for start in range(position, len(data), _WINDOW):
        if found := _MARKER.search(data, start, start + _WINDOW + 1):
            return found
    return None


def _segment_end(data: bytes, marker: int, start: int) -> int:
    if marker == _SOI:
        raise malformed(_NAME, "another image starts before the first one ends")
    if start + 4 > len(data):
        return len(data) + 1
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    if length < 2:
        raise malformed(_NAME, f"a segment at byte {start:,} gives its length as {length}")
    return start + 2 + length


def _holds_all(data: bytes, before: list[Segment], scan: int) -> bool:
    """Whether the scan that starts at byte `scan` is the only one of its picture: it has all the
    frame's components, and the frame is neither progressive nor without a height.

    Decoders give out the rows of such a picture as they read them.
    """
    marker, start, _ = next((each for each in before if each[0] in _FRAMES), (0, 0, 0))
    height, components = data[start + 5 : start + 7], data[start + 9 : start + 10]
    is_first = all(each[0] != _SOS for each in before)
    is_whole = is_first and data[scan + 4 : scan + 5] == components
    return marker in _SEQUENTIAL and is_whole and height != b"\0\0"


def _describe(data: bytes, segments: list[Segment]) -> Header:
    complete = bool(segments) and segments[-1][0] == _EOI
    frame = _frame(segments, complete)
    width, height = _size(data, frame, segments)
    if height == 0 and not complete:
        raise truncated(_NAME)
    scan = next((start for marker, start, _ in segments if marker == _SOS), None)
    by_rows = scan is not None and _holds_all(data, [frame], scan)
    return Header("image/jpeg", width, height, 1, _orientation(data, segments), complete, by_rows)


def _frame(segments: list[Segment], complete: bool) -> Segment:
    """The one frame header, which comes before the first scan."""
    frames = [segment for segment in segments if segment[0] in _FRAMES]
    scans = [segment for segment in segments if segment[0] == _SOS]
    if len(frames) > 1:
        raise malformed(_NAME, "it has more than one frame header")
    if len(scans) > _MOST_SCANS:
        raise malformed(_NAME, f"it has more than {_MOST_SCANS} scans")
    if scans and not (frames and frames[0][1] < scans[0][1]):
        raise malformed(_NAME, "a scan comes before the frame header")
    if complete and not scans:
        raise malformed(_NAME, "it ends before any picture data")
    if not frames:
        raise truncated(_NAME)
    return frames[0]


def _size(data: bytes, frame: Segment, segments: list[Segment]) -> tuple[int, int]:
    """(width, height). A height of 0 is made good after the first scan, by a DNL segment."""
    _, start, end = frame
    if end - start < 10:
        raise malformed(_NAME, "its frame header is too short")
    height, width = struct.unpack_from(">HH", data, start + 5)
    if height == 0:
        lines = [data[start + 4 : start + 6] for marker, start, _ in segments if marker == _DNL]
        height = int.from_bytes(lines[0], "big") if lines else 0
    return width, height


def _orientation(data: bytes, segments: list[Segment]) -> int:
    """Return the orientation of the first EXIF segment before the first scan, as browsers do: one
    without any bytes behind its identifier does not count, and XMP does not either.
    """
    for marker, start, end in segments:
        if marker == _SOS:
            break
        is_exif = marker == _APP1 and data.startswith(_EXIF, start + 4)
        if is_exif and end - start - 4 > len(exif.IDENTIFIER):
            return exif.orientation(data[start + 4 + len(exif.IDENTIFIER) : end])
    return 1


def _is_kept(data: bytes, marker: int, start: int, end: int) -> bool:
    if not _APP0 <= marker <= 0xEF:
        return marker != _COM
    identifier = _KEPT_APPLICATIONS.get(marker)
    return identifier is not None and data.startswith(identifier, start + 4, end)
