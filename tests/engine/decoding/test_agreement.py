"""The engine's shortcut against careful preprocessing: the top label must not change."""

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from engine.models.catalogue import Fit
from engine.models.fitting import needed_side, squares
from engine.models.loader import Session, load
from engine.pixels import decode
from tests.support.images.made_photographs import make

pytestmark = pytest.mark.slow

COUNT = 150
LEAST = 0.97


def careful(data: bytes, fit: Fit) -> Any:
    """The reference: the whole picture decoded, turned upright, resized by Pillow."""
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    return squares(upright, fit, 224)


def top(session: Session, prepared: Any) -> int:
    return int(np.mean(session.run(list(prepared)), axis=0)[1:].argmax())


def test_the_top_label_is_that_of_careful_preprocessing(
    model_dir: Path, photographs: Mapping[str, bytes]
) -> None:
    model = load("classify", model_dir)
    fit = model.manifest.fit
    needed = needed_side(fit, 224)
    names = [name for name in photographs if "mask" not in name]
    originals = [Image.open(io.BytesIO(photographs[name])).convert("RGB") for name in names]

    def compare(first: int) -> list[tuple[bool, bool]]:
        session, found = model.session(), []
        for seed in range(first, COUNT, 2):
            # 0.2 to 12 megapixels, most of them small
            data = make(originals, seed, 0.2 * 60 ** ((seed * 0.618 % 1) ** 4))
            expected, image = careful(data, fit), decode(data, needed, needed)
            same = top(session, squares(image, fit, 224)) == top(session, expected)
            found.append((same, min(image.size) < min(Image.open(io.BytesIO(data)).size)))
        return found

    with ThreadPoolExecutor(2) as threads:
        found = [each for some in threads.map(compare, (0, 1)) for each in some]
    assert len(found) == COUNT
    assert sum(reduced for _, reduced in found) > COUNT / 15  # the shortcut was taken
    assert sum(same for same, _ in found) >= LEAST * COUNT
