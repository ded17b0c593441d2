"""The decoder that all tasks of a process share: it limits memory, and decodes each image once."""

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from common.allocator import release_freed
from common.images.formats import Header, read_start
from common.settings import Settings
from engine.decoding.pixel_budget import PixelBudget
from engine.pixels import check_size, decode_at, scale_of

KEPT_PIXELS = 8_000_000  # decoded pixels kept for other tasks, 4 bytes each
LARGEST_KEPT = 4_000_000
# libwebp holds two canvases, libavif and libheif the planes of the video codec, and libtiff a strip
# of up to 16 bits a value, beside the result and Pillow's copy of it.
_LARGE_DECODERS = frozenset(("image/webp", "image/avif", "image/heic", "image/tiff"))
LARGE = 8_000_000  # cost in pixels from which memory is returned to the system after decoding
ROWS = 16  # of the stored picture that libjpeg holds, beside its result, if it decodes by rows

Key = tuple[bytes, int]  # sha256 of the file, scale


class Decoder:
    """Decodes in many threads at once, within one budget of pixels.

    Tasks that need an image at the same scale share one decode if they request it at the same time
    or shortly after each other.
    """

    def __init__(self, max_pixels: int, budget: int):
        self._max_pixels = max_pixels
        self._budget = PixelBudget(budget)
        self._shared = _Shared()
        self._known = threading.local()

    @contextmanager
    def knowing(self, data: bytes, sha256: bytes) -> Iterator[None]:
        """Use this digest of `data` in this thread during the block, instead of computing it."""
        self._known.pair = data, sha256
        try:
            yield
        finally:
            self._known.pair = None

    def digest(self, data: bytes) -> bytes:
        """Return the sha256 of `data`."""
        pair = getattr(self._known, "pair", None)
        return pair[1] if pair and pair[0] is data else hashlib.sha256(data).digest()

    @contextmanager
    def decoded(self, data: bytes, width: int, height: int) -> Iterator[Image.Image]:
        """Yield the picture that `engine.pixels.decode` describes. It must not be changed, and not
        be used after the block.

        Raises InputFault like `decode`.
        """
        header = read_start(data)
        check_size(header, self._max_pixels)
        scale = scale_of(header, width, height)
        weight = _weight(header, scale)
        if header.width * header.height // scale**2 > LARGEST_KEPT:
            with self._budget.take(weight):
                yield decode_at(data, header, scale)
            release_freed()
            return
        key = self.digest(data), scale
        with self._shared.turn(key):
            image = self._shared.find(key)
            if image is None:
                with self._budget.take(weight):
                    image = decode_at(data, header, scale)
                self._shared.keep(key, image)
                if weight > LARGE:
                    release_freed()
        yield image


def open_decoder(settings: Settings) -> Decoder:
    """Return a decoder with the limits of the settings."""
    return Decoder(settings.max_pixels, settings.decode_pixels)


def _weight(header: Header, scale: int) -> int:
    """Return the cost in pixels of 8 bytes. libjpeg holds the coefficients of all pixels unless it
    can decode by rows.
    """
    if header.decodes_by_rows:
        return min(header.pixels, header.pixels // scale**2 + ROWS * header.width)
    return header.pixels * (2 if header.media_type in _LARGE_DECODERS else 1)


class _Shared:
    """The last decoded pictures, and a lock for each picture that is being decoded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[Key, Image.Image] = OrderedDict()
        self._pixels = 0  # of all of them
        self._turns: dict[Key, threading.Lock] = {}
        self._waiting: Counter[Key] = Counter()

    @contextmanager
    def turn(self, key: Key) -> Iterator[None]:
        """Hold the lock of this key during the block."""
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
            self._waiting[key] += 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    del self._waiting[key], self._turns[key]

    def find(self, key: Key) -> Image.Image | None:
        with self._lock:
            return self._pictures.get(key)

    def keep(self, key: Key, image: Image.Image) -> None:
        """Keep the picture, which is not kept yet, and drop the oldest ones beyond KEPT_PIXELS."""
        with self._lock:
            self._pictures[key] = image
            self._pixels += image.width * image.height
            while self._pixels > KEPT_PIXELS:
                _, oldest = self._pictures.popitem(last=False)
                self._pixels -= oldest.width * oldest.height
