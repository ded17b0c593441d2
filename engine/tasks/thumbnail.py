"""thumbnail: store a small version of the image: upright, on white, without metadata, and with
unrecognizable faces if `blur` requests that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from threading import Event
from typing import Any

from PIL import Image
from sqlalchemy import select

from common.database.session import Sessions, read
from common.images.formats import read_start
from common.services import Services
from common.storage import Storage
from common.tables import StoredObject
from common.tasks.thumbnail import thumbnail_key
from engine.decoding.decoder import Decoder
from engine.detections.face_detector import FaceDetector, open_detector
from engine.detections.hidden_faces import hide_faces
from engine.pixels import fitting
from engine.tasks import WorkerPool

QUALITY = 82  # JPEG; above 85 the size grows faster than the quality


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An encoded thumbnail and its storage key."""

    digest: bytes  # sha256 of the image
    key: str
    data: bytes
    width: int
    height: int


class ThumbnailRunner:
    """Makes thumbnails and stores them where the API reads them; there is no model, except for
    blurred faces, which `open_detector` opens with the first such request.

    `is_kept` returns whether the object with a digest is in use, and not being deleted.
    """

    model: dict[str, Any] = {}  # noqa: RUF012  (the protocol's attribute; it is never changed)

    def __init__(
        self,
        storage: Storage,
        decoder: Decoder,
        is_kept: Callable[[bytes], bool],
        open_detector: Callable[[], FaceDetector],
    ):
        self._storage = storage
        self._decoder = decoder
        self._is_kept = is_kept
        self._open_detector = open_detector
        self._detector: FaceDetector | None = None

    def prepare(self, data: bytes, params: dict[str, Any]) -> Thumbnail:
        """Return the thumbnail as a JPEG; its longer side has `size` pixels, or fewer if the image
        is smaller. With `blur` no face is found in it.

        Raises ModelUnavailable if faces cannot be found.
        """
        size, blur = params["size"], params.get("blur")
        width, height = fitting(read_start(data).upright_size, size)
        with self._decoder.decoded(data, width, height) as pixels:
            # Lanczos keeps edges sharp; the gap limits its cost on pixels that were not reduced.
            small = pixels.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
        if blur:
            small = hide_faces(small, self._opened_detector())
        digest = self._decoder.digest(data)
        return Thumbnail(digest, thumbnail_key(digest, size, blur), _encode(small), width, height)

    def _opened_detector(self) -> FaceDetector:
        # Threads that open it at the same time open it twice, which is harmless.
        self._detector = self._detector or self._open_detector()
        return self._detector

    def run(
        self, prepared: Sequence[Thumbnail], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Store the thumbnails and return their sizes. The thumbnail of an image that is deleted
        meanwhile is removed again.
        """
        for each in prepared:
            self._storage.put(each.key, each.data)
            # A deletion marks the object before it removes thumbnails: either the mark is seen
            # here, or the deletion found this thumbnail and removed it.
            if not self._is_kept(each.digest):
                self._storage.delete(each.key)
        return [
            {"width": each.width, "height": each.height, "bytes": len(each.data)}
            for each in prepared
        ]


def _encode(image: Image.Image) -> bytes:
    image.info.clear()  # otherwise Pillow writes the image's comment to the file
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return file.getvalue()


def open_worker_pool(services: Services, stop: Event, decoder: Decoder) -> WorkerPool:
    """Return a pool whose workers have a runner each, which is replaced when a default model
    changes.
    """
    settings, is_kept = services.settings, partial(object_is_kept, services.sessions)

    def open_runner(_model: str | None) -> ThumbnailRunner:
        return ThumbnailRunner(services.storage, decoder, is_kept, partial(open_detector, settings))

    return WorkerPool(settings.engine_workers, settings.batch_size, open_runner)


def object_is_kept(sessions: Sessions, digest: bytes) -> bool:
    """Return whether the object with this digest has a row in the state ready."""
    row = select(StoredObject.state).where(StoredObject.sha256 == digest)
    return read(sessions, lambda session: session.scalar(row)) == "ready"
