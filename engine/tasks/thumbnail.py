"""thumbnail: the image upright, small, on white, without metadata, into the store."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from common.formats import read_header
from common.settings import Settings
from common.storage import Storage, open_storage
from common.tasks.thumbnail import thumbnail_key
from engine.pixels import decode

QUALITY = 82  # of JPEG; above 85 thumbnails grow faster than they get better


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An encoded thumbnail and where it belongs."""

    key: str
    data: bytes
    width: int
    height: int


class ThumbnailWork:
    """Makes thumbnails and puts them where the API looks for them; there is no model."""

    model: dict[str, Any] = {}  # noqa: RUF012  (the protocol's attribute; nobody writes to it)

    def __init__(self, storage: Storage, max_pixels: int):
        self._storage = storage
        self._max_pixels = max_pixels

    def prepare(self, data: bytes, params: dict[str, Any]) -> Thumbnail:
        """The thumbnail as a JPEG, its longer side `size` pixels or the image's own."""
        size = params["size"]
        width, height = fitting(read_header(data).upright_size, size)
        pixels = decode(data, width, height, max_pixels=self._max_pixels)
        # Lanczos keeps edges sharp; the gap bounds what it costs on pixels that were not reduced.
        small = pixels.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
        key = thumbnail_key(hashlib.sha256(data).digest(), size)
        return Thumbnail(key, _encode(small), width, height)

    def run(
        self, prepared: Sequence[Thumbnail], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Store them; the results say how large they are."""
        for each in prepared:
            self._storage.put(each.key, each.data)
        return [
            {"width": each.width, "height": each.height, "bytes": len(each.data)}
            for each in prepared
        ]


def fitting(whole: tuple[int, int], size: int) -> tuple[int, int]:
    """Width and height of the largest picture of that shape whose sides are at most `size`."""
    scale = min(1.0, size / max(whole))
    return max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))


def _encode(image: Image.Image) -> bytes:
    image.info.clear()  # Pillow would write a comment that it finds there
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return file.getvalue()


def open_work(settings: Settings) -> ThumbnailWork:
    """A store of its own: a Work is handed settings only, and there is nothing to close."""
    return ThumbnailWork(open_storage(settings.storage_url), settings.max_pixels)
