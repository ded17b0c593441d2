"""The README's tables, made from the code: `python -m tests.house.readme` writes them."""

import re
from dataclasses import fields
from pathlib import Path

from common.settings import Settings
from common.tasks import contracts
from tests.house.sources import ROOT

README = ROOT / "README.md"


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
    """Every task with what it does and its params."""
    rows = ["| task | what it does | params |", "|---|---|---|"]
    for each in contracts().values():
        params = ", ".join(
            f"`{name}`" + ("" if field.load_default is None else f" ({field.load_default})")
            for name, field in each.params().fields.items()
        )
        rows.append(f"| `{each.name}` | {each.summary} | {params or '–'} |")
    return "\n".join(rows)


def with_tables(text: str) -> str:
    """`text` with what stands between its markers made anew."""
    for name, table in (("settings", settings_table()), ("tasks", tasks_table())):
        between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if len(between.findall(text)) != 1:
            raise ValueError(f"README.md must hold the markers of the {name} table once")
        text = between.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def main(path: Path = README) -> None:
    """Write the tables."""
    path.write_text(with_tables(path.read_text()))


if __name__ == "__main__":
    main()
