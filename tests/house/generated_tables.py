"""Tables in the documents that are generated from the code.

`python -m tests.house.generated_tables` (or `make fix`) writes them.
"""

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
SETTINGS = ROOT / "docs" / "settings.md"
METRICS = ROOT / "docs" / "metrics.md"

OMITTED_DEFAULTS = (None, missing)


def settings_table() -> str:
    """Return a Markdown table of every setting with its default and meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for field in fields(Settings):
        spec = field.metadata
        default = spec["default"].replace("{data_dir}", "$DATA_DIR")
        if field.name == "engine_workers":
            default = "cores"
        cell = f"`{default}`" if default else "–"
        rows.append(f"| `{spec['variable']}` | {cell} | {spec['meaning']} |")
    return "\n".join(rows)


def tasks_table() -> str:
    """Return a Markdown table of every public task: summary, params, units of PREDICTION_QUOTA."""
    rows = ["| task | what it does | params | units |", "|---|---|---|---|"]
    for contract in contracts().values():
        params = ", ".join(
            f"`{name}`"
            + ("" if field.load_default in OMITTED_DEFAULTS else f" ({field.load_default})")
            for name, field in contract.params().fields.items()
        )
        rows.append(
            f"| `{contract.name}` | {contract.summary} | {params or '–'} | {contract.cost} |"
        )
    return "\n".join(rows)


def all_metrics() -> list[Spec]:
    """Return the specification of every metric that the project defines."""
    return [*specs(), *database_metrics.SPECS, *metric.SPECS]


def metrics_table() -> str:
    """Return a Markdown table of every metric with its kind, labels and meaning."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for spec in all_metrics():
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        rows.append(f"| `{spec.name}` | {spec.kind} | {labels or '–'} | {spec.help} |")
    return "\n".join(rows)


def documents() -> dict[Path, dict[str, str]]:
    """Return the generated tables of each document, by the name in their markers."""
    return {
        README: {"tasks": tasks_table()},
        SETTINGS: {"settings": settings_table()},
        METRICS: {"metrics": metrics_table()},
    }


def between_markers(name: str) -> re.Pattern[str]:
    """Return the pattern of a generated table with its two markers in groups 1 and 2."""
    return re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """Return `text` with the content between its markers replaced by `tables`."""
    for name, table in tables.items():
        pattern = between_markers(name)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"the document must contain the markers of the {name} table once")
        text = pattern.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Write the tables into the documents."""
    for path, tables in documents().items():
        path.write_text(with_tables(path.read_text(), tables))


if __name__ == "__main__":
    main()
