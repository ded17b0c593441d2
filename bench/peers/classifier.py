"""What all peers share: the yardstick's decoder and network, and the form of the answer.

Peers import nothing else of this project. NETWORK is the path of the network, CLASS_NAMES that of a
text file with the name of one class per line.
"""

import os
from pathlib import Path
from typing import Any

import cv2

from bench.yardstick.classify_jpegs import Network, decode

BACKGROUND = 1  # classes of the network before the first named one


class Classifier:
    """One interpreter on one thread, for one caller at a time."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._network = Network(os.environ["NETWORK"])
        self._names = Path(os.environ["CLASS_NAMES"]).read_text().splitlines()

    def labels(self, jpeg: bytes) -> dict[str, Any]:
        """Return `{"labels": [{"class_id": …, "name": …, "score": …}]}` with the best class."""
        scores = self._network.scores(decode(jpeg))
        best = int(scores.argmax())
        class_id = best - BACKGROUND
        score = float(scores[best]) / 256
        return {"labels": [{"class_id": class_id, "name": self._names[class_id], "score": score}]}
