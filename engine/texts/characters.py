"""The text of a strip, from the recognizer's probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.unicode import nfc


def alphabet_of(lines: str) -> list[str]:
    """Return the characters by class number, from a text with one on each line. Class 0, "no
    character", is empty, and the last one, which the text leaves out, is a space.

    Control characters and invisible ones, such as marks that reorder displayed text, become empty.
    """
    return ["", *map(_shown, lines.split("\n")), " "]


def decode(
    probabilities: NDArray[np.float32], alphabet: Sequence[str], longest: int
) -> tuple[str, float]:
    """Return the text of a strip, of at most `longest` characters, and its mean score, from
    probabilities [steps, classes].

    The best path of connectionist temporal classification (Graves et al. 2006): the most likely
    class of each step, without repetitions and without class 0.
    """
    classes = probabilities.argmax(axis=1)
    is_new = np.append(True, classes[1:] != classes[:-1]) & (classes != 0)
    text = "".join(alphabet[number] for number in classes[is_new])
    scores = probabilities.max(axis=1)[is_new]
    text = nfc(" ".join(text.split()), len(text))[:longest].rstrip()
    return text, float(scores.mean()) if len(scores) else 0.0


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else ""
