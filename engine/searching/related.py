"""Names that the index knows, for words that it does not."""

from collections.abc import Mapping, Sequence

from engine.index.documents import Phrase


def load_related() -> Mapping[Phrase, Sequence[tuple[str, float]]]:
    """By the words, as stems: names of labels and broader terms, each with its weight below 1."""
    return {}
