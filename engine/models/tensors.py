"""A model's inputs and outputs: their description in the manifest, and the conversion of pixels and
values that it defines. All runtimes share it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOGITS = "logits"  # the meaning of an output that softmax converts to probabilities
NHWC, NCHW = "NHWC", "NCHW"
RGB, BGR = "RGB", "BGR"
VARIABLE_SIDE = 32  # networks reduce images by powers of 2, mostly up to this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A model's input or output.

    The values of an output represent the numbers (value - zero_point) * scale. For a float input a
    pixel becomes the number (pixel - zero_point) * scale, from which `mean` is subtracted and which
    is then divided by `std`. With scale 0 and without `std` values are used unchanged.
    """

    shape: tuple[int, ...]  # including the batch axis; -1: any length
    dtype: str  # numpy's name
    layout: str = ""  # NHWC or NCHW, if it is an image
    channels: str = RGB  # the order of an image's channels: RGB or BGR
    scale: float = 0.0
    zero_point: float = 0
    mean: tuple[float, ...] = ()  # of red, green and blue, whatever the order of the channels
    std: tuple[float, ...] = ()  # the same
    name: str = ""  # in the model's file
    meaning: str = ""  # LOGITS, or empty: values are used unchanged

    @property
    def side(self) -> int:
        """The height of an image, in pixels."""
        return self.shape[2] if self.layout == NCHW else self.shape[1]

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of an item as sessions take it: an image as [height, width, 3] in any layout;
        a variable length is 1, and a variable side of an image VARIABLE_SIDE.
        """
        shape = self.shape[1:]
        if self.layout == NCHW:
            shape = (*shape[1:], shape[0])
        variable = VARIABLE_SIDE if self.layout else 1
        return tuple(variable if length < 0 else length for length in shape)


def parse_tensor(data: Mapping[str, Any]) -> Tensor:
    """Return the tensor in a JSON object; raises KeyError, TypeError or ValueError if it is
    invalid.
    """
    lists = {key: tuple(data[key]) for key in ("shape", "mean", "std") if key in data}
    tensor = Tensor(**{**data, **lists})
    if (
        tensor.layout not in ("", NHWC, NCHW)
        or tensor.channels not in (RGB, BGR)
        or len(tensor.mean) not in (0, 3)
        or len(tensor.std) not in (0, 3)
        or 0 in tensor.std
    ):
        raise ValueError(
            f"{data} is not a tensor: the layout is {NHWC} or {NCHW}, the channels are {RGB} or "
            f"{BGR}, `mean` and `std` are of three channels, and `std` is not 0"
        )
    return tensor


def to_input(batch: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Return the values that the model takes for a batch of items.

    Images are uint8 RGB [items, height, width, 3] and get the tensor's type, numbers, order of
    channels and layout. Other items only get its type.
    """
    kind = np.dtype(tensor.dtype)
    numbers = batch.astype(kind, copy=False)
    if kind.kind == "f":
        if tensor.scale:
            numbers = (numbers - kind.type(tensor.zero_point)) * kind.type(tensor.scale)
        if tensor.mean:
            numbers = numbers - np.array(tensor.mean, kind)
        if tensor.std:
            numbers = numbers / np.array(tensor.std, kind)
    if tensor.channels == BGR:
        numbers = numbers[..., ::-1]
    if tensor.layout == NCHW:
        numbers = np.moveaxis(numbers, -1, -3)
    return np.ascontiguousarray(numbers)


def to_numbers(values: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Return the numbers that an output represents: probabilities for logits, scaled values, or
    itself. Real numbers are float32.
    """
    if tensor.meaning == LOGITS:
        # Subtract the largest value, so that no power overflows.
        powers = np.exp(values.astype(np.float32) - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    if tensor.scale:
        return (values.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)
    return values.astype(np.float32, copy=False) if values.dtype.kind == "f" else values


def fits(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Return whether the shapes agree; a side that the file leaves open (-1) may have any expected
    length.
    """
    return len(found) == len(expected) and all(
        a in (-1, b) for a, b in zip(found, expected, strict=True)
    )
