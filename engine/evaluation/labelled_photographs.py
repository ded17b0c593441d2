"""Labelled photographs: a folder, and a file with the labels of each photograph."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputFault
from engine.models.labels import load_imagenet

HEADERS = {"file", "file_name", "filename", "image", "path", "name"}

Names = tuple[str, ...]  # the name of a thing, then its synonyms


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file, and the names of what it shows: its class first, then broader terms."""

    path: Path
    things: tuple[Names, ...]


def read_photographs(folder: Path, labels: Path) -> list[Photograph]:
    """Return the photographs of the labels' file that are in the folder, in its order.

    The file is CSV or TSV (`file,label,label…`, or several labels with `;` between them), JSON
    (`{file: label or [labels]}`) or JSON lines (`{"file": …, "labels": […]}`). A label is a name,
    with synonyms after `|`, or the WordNet id or class id (0 to 999) of an ImageNet class, which
    adds its synonyms and broader terms. Raises InputFault if the file is invalid or none of its
    files exists.
    """
    known = _imagenet()
    try:
        entries = list(_entries(labels))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputFault(
            f"{labels} is not a valid file of labels; expected CSV, TSV, JSON or JSON lines."
        ) from error
    found = [
        Photograph(folder / file, tuple(dict.fromkeys(_things(given, known))))
        for file, given in entries
        if (folder / file).is_file()
    ]
    found = [photograph for photograph in found if photograph.things]
    if not found:
        raise InputFault(f"None of the {len(entries)} files that {labels} names is in {folder}.")
    return found


def _entries(labels: Path) -> Iterator[tuple[str, list[str]]]:
    text = labels.read_text(encoding="utf-8-sig")
    if labels.suffix == ".json":
        for file, given in json.loads(text).items():
            yield file, _list(given)
    elif labels.suffix == ".jsonl":
        for line in filter(str.strip, text.splitlines()):
            entry = json.loads(line)
            yield entry["file"], _list(entry["labels"])
    else:
        yield from _from_table(text)


def _from_table(text: str) -> Iterator[tuple[str, list[str]]]:
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter)):
        if len(row) > 1 and not (number == 0 and row[0].strip().lower() in HEADERS):
            yield row[0].strip(), [part for cell in row[1:] for part in cell.split(";")]


def _list(given: Any) -> list[str]:
    return [str(each) for each in given] if isinstance(given, list) else [str(given)]


def _things(given: Sequence[str], known: dict[str, tuple[Names, ...]]) -> Iterator[Names]:
    for label in given:
        if names := tuple(part.strip() for part in label.split("|") if part.strip()):
            key = str(int(names[0])) if re.fullmatch("[0-9]{1,4}", names[0]) else names[0]
            yield from known.get(key, (names,))


def _imagenet() -> dict[str, tuple[Names, ...]]:
    """Return by WordNet id and by class id: the class and its broader terms, each with its
    synonyms.
    """
    found: dict[str, tuple[Names, ...]] = {}
    for label in load_imagenet():
        things = ((label.name, *label.synonyms), *((t.name, *t.synonyms) for t in label.broader))
        found |= dict.fromkeys((label.wnid, str(label.index)), things)
    return found
