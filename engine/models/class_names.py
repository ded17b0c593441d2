"""The names of a model's classes: a set of labels of the package, or a file of the model."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest

COCO = "coco"  # the name of the set of COCO's categories


@dataclass(frozen=True, slots=True)
class Category:
    """A class of a detector: its name, and its id in annotations of the data set it comes from."""

    id: int
    name: str


def read_class_names(manifest: Manifest, model_dir: Path) -> list[str]:
    """Return the names from the file that the manifest calls the set of labels: one per line;
    lines after an empty one describe the file. Raises ModelUnavailable.
    """
    path = model_dir / manifest.folder / (manifest.labels.set if manifest.labels else "")
    try:
        return path.read_text().split("\n\n")[0].splitlines()
    except OSError as error:
        raise ModelUnavailable(
            f"{manifest.folder} has no names for its classes: `labels.set` in its model.json must "
            "name a file of the model."
        ) from error


def read_categories(manifest: Manifest, model_dir: Path) -> list[Category]:
    """Return the categories of a detector, in the order of its classes: COCO's, or those of a file
    with ids counted from 1. Raises ModelUnavailable.
    """
    if manifest.labels and manifest.labels.set == COCO:
        data = json.loads(files("engine.models").joinpath("coco.json").read_bytes())
        return [Category(**each) for each in data["classes"]]
    names = read_class_names(manifest, model_dir)
    background = manifest.labels.background if manifest.labels else 0
    return [Category(number, name) for number, name in enumerate(names[background:], 1)]
