"""`python -m engine.drift_report FILE`: write an HTML page by Evidently on how the images have
changed.

It reads the predictions themselves, at most MOST of each window. It needs the extra `monitoring`,
which the service itself does not need.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy.orm import Session

from common.database.session import clock, read
from common.errors import AfterimageError
from common.observability.drift.samples import (
    ClassifiedImage,
    reference_name,
    results_between,
)
from common.observability.drift.windows import Windows
from common.services import Services
from engine.command_line import run_program

MOST = 5_000
Record = dict[str, Any]


class NothingToCompare(AfterimageError):
    """One of the windows contains no images."""

    default_code = "nothing_to_compare"


def main() -> int:
    """Return 0 if the page was written, else 1."""
    parser = argparse.ArgumentParser(prog="python -m engine.drift_report", description=__doc__)
    parser.add_argument("file", help="the file to write, for example drift.html")
    parser.add_argument("--model", help="name@version; default: that of the latest image")
    options = parser.parse_args()

    def work(services: Services) -> int:
        windows = Windows.of(services.settings)
        sides = read(services.sessions, lambda session: both(session, windows, options.model))
        write(*sides, options.file)
        print(f"{options.file}: {len(sides[1])} images against {len(sides[0])} of the reference")
        return 0

    return run_program("drift-report", work, log_level="warning")


def both(
    session: Session, windows: Windows, model: str | None
) -> tuple[list[Record], list[Record]]:
    """Return a record for each image of one model, from the reference window and from the current
    one.

    Raises NothingToCompare.
    """
    at = clock(session)
    latest = results_between(session, *windows.current(at), MOST)
    earlier = results_between(session, *windows.reference(at), MOST)
    reference_model = model or next((reference_name(row.model) for row in latest if row.model), "")
    reference, current = (
        list(records(earlier, reference_model)),
        list(records(latest, reference_model)),
    )
    if not reference or not current:
        raise NothingToCompare(
            f"The current window has {len(current)} images and the reference {len(reference)}; "
            "both need some. DRIFT_WINDOW_HOURS and DRIFT_REFERENCE set the windows."
        )
    return reference, current


def records(rows: Iterable[ClassifiedImage], model: str) -> Iterator[Record]:
    """Return what the page compares of each row of that model."""
    for row in rows:
        if row.model and row.result and reference_name(row.model) == model:
            yield _record(row.result, row)


def _record(result: dict[str, Any], row: ClassifiedImage) -> Record:
    best = result["labels"][0]
    return {
        "confidence": best["score"],
        "label": best["name"],
        "brightness": result.get("brightness"),
        "megapixels": row.width * row.height / 1e6 if row.width and row.height else None,
    }


def write(reference: list[Record], current: list[Record], file: str) -> None:
    """Write the page; each column is compared by the population stability index, as in
    the metric.
    """
    try:
        import pandas
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset
    except ImportError:
        raise AfterimageError(
            "Evidently is not installed; `make drift-report` installs it."
        ) from None
    definition = DataDefinition(
        numerical_columns=["confidence", "brightness", "megapixels"], categorical_columns=["label"]
    )
    now, then = (
        Dataset.from_pandas(pandas.DataFrame(each), data_definition=definition)
        for each in (current, reference)
    )
    preset = DataDriftPreset(method="psi", threshold=0.25)
    Report([preset]).run(now, then).save_html(file)


if __name__ == "__main__":
    sys.exit(main())
