"""Find faces with YuNet, through OpenCV's FaceDetectorYN.

Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20, 2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import ModelUnavailable
from common.settings import Settings
from engine.models.catalogue import Manifest
from engine.models.loader import load
from engine.pixels import fitting

TASK, DECODER = "faces", "yunet"

# Pixels of the longer side of the pictures that are searched. The network finds faces that are 12
# to 500 pixels wide, and takes parts of larger ones for several faces. FINE decides about small
# faces: with 1,024 a picture of 3:2 takes 70 ms of a processor, and faces of 1.2 % of its width are
# found; with 640 it takes 30 ms, for faces of 2 %. COARSE takes 7 ms and finds the largest faces.
FINE, COARSE = 1024, 320
LARGE = 0.3  # of the longer side, from which a face is found in the coarse picture
INSIDE = 0.5  # part of a box within a large face from which it counts as a part of that face

OVERLAP = 0.3  # of two boxes with a larger intersection over union the one with less score goes
MOST_CANDIDATES = 5_000  # before such boxes are dropped, those with the highest scores


@dataclass(frozen=True, slots=True)
class Face:
    """A face: its score from 0 to 1; its box as left, top, right, bottom; and the points [5, 2] of
    right eye, left eye, nose, right and left corner of the mouth, as x, y. Right and left are those
    of the person. The box may exceed the image.
    """

    score: float
    box: NDArray[np.float64]
    points: NDArray[np.float64]

    @property
    def longer_side(self) -> float:
        """The longer side of the box."""
        return float((self.box[2:] - self.box[:2]).max())


class FaceDetector:
    """The network, which is opened with the first picture. Threads may share it: their calls run
    one after the other, because FaceDetectorYN keeps the size and the buffers of its picture.
    """

    def __init__(self, path: Path):
        self._path = path
        self._network: Any = None
        self._lock = Lock()

    def find(self, image: Image.Image, threshold: float) -> list[Face]:
        """Return the faces of an RGB image with at least this score, highest first, in pixels of
        the image.

        Raises ModelUnavailable if the network cannot be opened.
        """
        if max(image.size) <= COARSE:
            return self.find_at(image, COARSE, threshold)
        size = LARGE * max(image.size)
        coarse = self.find_at(image, COARSE, threshold)
        large = [face for face in coarse if face.longer_side >= size]
        others = self.find_at(image, FINE, threshold)
        found = large + [face for face in others if not _is_part(face, large)]
        return sorted(found, key=lambda face: -face.score)

    def find_at(self, image: Image.Image, side: int, threshold: float) -> list[Face]:
        """Return the faces of the image, scaled down to `side` pixels on its longer side."""
        width, height = fitting(image.size, side)
        scaled = image
        if scaled.size != (width, height):
            scaled = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3)
        rows = self._rows(np.ascontiguousarray(np.asarray(scaled)[:, :, ::-1]), threshold)
        scale = np.array([image.width / width, image.height / height])
        return [_face(row, scale) for row in rows.astype(np.float64)]

    def _rows(self, pixels: NDArray[np.uint8], threshold: float) -> NDArray[np.float32]:
        """Return a row [15] per face: left, top, width, height, five points and the score."""
        height, width = pixels.shape[:2]
        with self._lock:
            self._network = self._network or open_network(self._path)
            self._network.setInputSize((width, height))
            self._network.setScoreThreshold(threshold)
            _, rows = self._network.detect(pixels)
        return np.zeros((0, 15), np.float32) if rows is None else rows


def open_detector(settings: Settings, model: str | None = None) -> FaceDetector:
    """Return the detector with the default model or the one with this reference; raises
    ModelUnavailable.
    """
    return detector_of(load(TASK, settings.model_dir, model).manifest, settings.model_dir)


def detector_of(manifest: Manifest, model_dir: Path) -> FaceDetector:
    """Return the detector with this installed model; raises ModelUnavailable for one that is not
    read as YuNet is.
    """
    if manifest.decoder != DECODER:
        raise ModelUnavailable(
            f"{manifest.folder} cannot be used: `decoder` in its model.json must be {DECODER}."
        )
    return FaceDetector(model_dir / manifest.folder / manifest.files[0].name)


def open_network(path: Path) -> Any:
    """Return the file as a `cv2.FaceDetectorYN`; raises ModelUnavailable if it cannot be loaded."""
    import cv2  # with the first picture, because it takes 16 MB

    # Otherwise OpenCV warns on stderr, with each network, that it runs on the processor.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        return cv2.FaceDetectorYN.create(
            str(path), "", (COARSE, COARSE), 1.0, OVERLAP, MOST_CANDIDATES
        )
    except cv2.error as error:
        raise ModelUnavailable(f"{path.name} cannot be loaded.") from error


def _face(row: NDArray[np.float64], scale: NDArray[np.float64]) -> Face:
    corner, size = row[:2] * scale, row[2:4] * scale
    box = np.concatenate([corner, corner + size])
    return Face(float(np.clip(row[14], 0, 1)), box, row[4:14].reshape(5, 2) * scale)


def _is_part(face: Face, large: Sequence[Face]) -> bool:
    area = float(np.prod(face.box[2:] - face.box[:2]))
    return any(_shared(face, other) > INSIDE * area for other in large)


def _shared(face: Face, other: Face) -> float:
    """Return the area of the intersection of the boxes."""
    corner = np.maximum(face.box[:2], other.box[:2])
    return float(np.prod(np.maximum(np.minimum(face.box[2:], other.box[2:]) - corner, 0)))
