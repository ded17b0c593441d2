"""The part of a task's result that the search index holds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchableFacts:
    """Names, texts and the vector by which a search finds an image; scores are 0 to 1.

    Each attribute belongs to a field of the index (`engine/index/documents.py`); a search weighs
    the fields differently.
    """

    labels: Sequence[tuple[str, float]] = ()
    class_ids: Sequence[tuple[int, float]] = ()  # labels as ImageNet class numbers, 0 to 999
    broader: Sequence[tuple[str, float]] = ()
    objects: Sequence[str] = ()  # outlined
    detected: Sequence[tuple[str, float]] = ()
    caption: str = ""
    text: str = ""  # read in the image
    vector: bytes | None = None  # little-endian float32
