"""BentoML with two workers. It keeps nothing.

Workers as in "Parallelize requests handling" of BentoML's documentation, the body as a "root input"
in "Define input and output types".
"""

from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from bench.peers.classifier import Classifier


@bentoml.service(workers=2, logging={"access": {"enabled": False}})
class ImageClassifier:
    """One interpreter per worker process."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    @bentoml.api
    def classify(self, image: Annotated[Path, ContentType("image/jpeg")], /) -> dict[str, Any]:
        """Return the label of the JPEG in the body, which BentoML stores in a temporary file."""
        return self.classifier.labels(image.read_bytes())
