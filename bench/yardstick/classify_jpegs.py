"""The yardstick: decode JPEGs and run the network, as fast as packages from PyPI can.

It imports nothing of this project, so that the project's own decoder cannot lower the limit that it
is compared with. simplejpeg (libjpeg-turbo) decodes at the smallest scale that is not below the
network's input, with its fast and less exact transforms; OpenCV resizes; LiteRT runs the network.

Usage: classify_jpegs.py FOLDER MODEL FD. It loads all photographs, prints "ready", reads the
numbers of photographs as four bytes each from the file descriptor, and prints its figures as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from ai_edge_litert.interpreter import Interpreter

SIDE = 224
WARM_UP = 20


class Network:
    """A classifier with one uint8 input and one output."""

    def __init__(self, path: str):
        self._interpreter = Interpreter(path, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def scores(self, pixels: Any) -> Any:
        """Return the scores of all classes, uint8 [1001], for uint8 [224, 224, 3]."""
        self._interpreter.set_tensor(self._input, pixels[np.newaxis])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)[0]


def decode(data: bytes) -> Any:
    """Return the whole picture as uint8 RGB [224, 224, 3]."""
    pixels = simplejpeg.decode_jpeg(
        data, "RGB", fastdct=True, fastupsample=True, min_height=SIDE, min_width=SIDE, min_factor=1
    )
    return cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def run(network: Network, photographs: list[bytes], numbers: Iterator[int]) -> dict[str, Any]:
    """Classify the photographs of these numbers, one after another.

    `best` of the figures are pairs of a photograph's number and its best class.
    """
    best, decoding, predicting = [], 0.0, 0.0
    cpu = time.process_time()
    for number in numbers:
        start = time.thread_time()
        pixels = decode(photographs[number])
        decoded = time.thread_time()
        scores = network.scores(pixels)
        end = time.thread_time()
        best.append((number, int(scores.argmax())))
        decoding += decoded - start
        predicting += end - decoded
    spent = {"decode": decoding, "predict": predicting, "cpu": time.process_time() - cpu}
    return spent | {"count": len(best), "end": time.monotonic(), "best": best}


def received(pipe: int) -> Iterator[int]:
    """Yield numbers from the pipe until it is closed."""
    while taken := os.read(pipe, 4):
        yield int.from_bytes(taken, "big")


def main() -> None:
    """Load everything and warm up, say "ready", run, and print the figures."""
    folder, model, pipe = sys.argv[1:4]
    cv2.setNumThreads(1)
    photographs = [path.read_bytes() for path in sorted(Path(folder).glob("*.jpg"))]
    network = Network(model)
    run(network, photographs, iter(range(min(WARM_UP, len(photographs)))))
    print("ready", flush=True)
    print(json.dumps(run(network, photographs, received(int(pipe)))), flush=True)


if __name__ == "__main__":
    main()
