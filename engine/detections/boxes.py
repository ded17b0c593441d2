"""The boxes that decoders return, and the selection of those that become objects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.models.class_names import Category
from engine.models.letterbox import Frame

# Of two boxes of one class whose intersection over union is larger, the one with the lower score is
# dropped. 0.45 is the value that YOLOX is published with.
OVERLAP = 0.45
MOST_CANDIDATES = 1_000  # boxes compared with each other, those with the highest scores
DECIMALS = 2  # of a coordinate


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes [n, 4] as left, top, right, bottom in pixels of the network's square; scores [n] from 0
    to 1; classes [n].
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.intp]

    def __getitem__(self, chosen: NDArray[np.intp]) -> "Candidates":
        """Return the chosen candidates, in that order."""
        return Candidates(self.boxes[chosen], self.scores[chosen], self.classes[chosen])


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """One object: its class, its category, its score from 0 to 1, and its box in pixels of the
    upright image as [x, y, width, height].
    """

    class_id: int
    category: Category
    score: float
    bbox: list[float]


def suppress(candidates: Candidates, overlap: float = OVERLAP) -> Candidates:
    """Return the candidates that no other one of their class with a higher score overlaps by more
    than `overlap`, highest score first (greedy non-maximum suppression).
    """
    import cv2  # with the first picture, because it takes 16 MB

    order = np.argsort(-candidates.scores, kind="stable")[:MOST_CANDIDATES]
    best = candidates[order]
    if not len(order):
        return best
    corners, sizes = best.boxes[:, :2], best.boxes[:, 2:] - best.boxes[:, :2]
    rectangles = np.concatenate([corners, sizes], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(
        rectangles.tolist(), best.scores.tolist(), best.classes.tolist(), 0.0, overlap
    )
    return best[np.sort(np.asarray(kept, np.intp).ravel())]


def objects_of(
    found: Candidates, frame: Frame, categories: Sequence[Category], most: int
) -> list[DetectedObject]:
    """Return at most `most` objects, with boxes cut off at the edges of the image. Boxes outside
    the image are left out.
    """
    points = found.boxes.astype(np.float64).reshape(-1, 2)
    corners = frame.to_image(points).clip(0, (frame.width, frame.height)).reshape(-1, 4)
    objects: list[DetectedObject] = []
    for box, score, number in zip(corners, found.scores, found.classes, strict=True):
        left, top, right, bottom = np.round(box, DECIMALS).tolist()
        if left < right and top < bottom and len(objects) < most:
            bbox = [left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS)]
            category = categories[int(number)]
            objects.append(DetectedObject(int(number), category, round(float(score), 4), bbox))
    return objects
