"""The documents' tables, made from the code: `python -m tests.house.readme` writes them."""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from marshmallow import missing

from common.observability.drift import metric
from common.observability.metrics import database_metrics, specs
from common.observability.metrics.specs import Spec
from common.settings import Settings
from common.tasks import contracts
from tests.house.sources import ROOT

README = ROOT / "README.md"
METRICS = ROOT / "docs" / "metrics.md"

NOTHING = (None, missing)  # defaults that are not worth telling


def settings_table() -> str:
    """Every setting with its default and meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for field in fields(Settings):
        about = field.metadata
        default = about["default"].replace("{data_dir}", "$DATA_DIR")
        if field.name == "engine_workers":
            default = "cores"
        shown = f"`{default}`" if default else "–"
        rows.append(f"| `{about['variable']}` | {shown} | {about['meaning']} |")
    return "\n".join(rows)


def tasks_table() -> str:
    """Every task with what it does, its params, and its units of PREDICTION_QUOTA."""
    rows = ["| task | what it does | params | units |", "|---|---|---|---|"]
    for each in contracts().values():
        params = ", ".join(
            f"`{name}`" + ("" if field.load_default in NOTHING else f" ({field.load_default})")
            for name, field in each.params().fields.items()
        )
        rows.append(f"| `{each.name}` | {each.summary} | {params or '–'} | {each.cost} |")
    return "\n".join(rows)


def all_metrics() -> list[Spec]:
    """What Prometheus gets to see of ours."""
    return [*specs(), *database_metrics.SPECS, *metric.SPECS]


def metrics_table() -> str:
    """Every metric with its kind, labels and meaning."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for each in all_metrics():
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` | {each.kind} | {labels or '–'} | {each.help} |")
    return "\n".join(rows)


def documents() -> dict[Path, dict[str, str]]:
    """The tables of each document, by the name in their markers."""
    return {
        README: {"settings": settings_table(), "tasks": tasks_table()},
        METRICS: {"metrics": metrics_table()},
    }


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """`text` with what stands between its markers made anew."""
    for name, table in tables.items():
        between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if len(between.findall(text)) != 1:
            raise ValueError(f"a document must hold the markers of the {name} table once")
        text = between.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Write the tables."""
    for path, tables in documents().items():
        path.write_text(with_tables(path.read_text(), tables))


if __name__ == "__main__":
    main()
