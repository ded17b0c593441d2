"""Inputs of the default models, as the engine makes them."""

from typing import Any

from engine.models.catalogue import default_model
from engine.models.fitting import needed_side, squares
from engine.pixels import decode


def classifier_input(data: bytes) -> Any:
    """The first square of an image file for the default classifier: uint8 [224, 224, 3]."""
    fit = default_model("classify").fit
    needed = needed_side(fit, 224)
    return squares(decode(data, needed, needed), fit, 224)[0]
