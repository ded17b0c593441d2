"""Write an HTML page that shows a photograph with its outlines: `python docs/outlines.py PHOTO`.

The outlines are requested from a running service, with one POST per format.
"""

import argparse
import base64
import json
import os
import sys
import urllib.error
import urllib.request
from html import escape
from pathlib import Path
from typing import Any

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}: outlines</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem }}
figure {{ position: relative; margin: 0 }}
figure img, figure svg {{ display: block; width: 100%; height: auto }}
figure svg {{ position: absolute; inset: 0 }}
td, th {{ text-align: left; padding: 0 1.5rem 0 0 }}
</style>
<h1>{name}</h1>
<figure><img src="data:;base64,{photo}" alt="{name}">{svg}</figure>
<table><tr><th>object<th>area, pixels<th>vertices<th>polygons<th>holes</tr>{rows}</table>
<p>{model}, {width} x {height} pixels.</p>
"""


def main() -> int:
    """Write the page; return 0 on success, 1 after an error message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("outlines.html"))
    parser.add_argument("--url", default=os.environ.get("BASE_URL", "http://127.0.0.1:5000"))
    options = parser.parse_args()
    try:
        photo = options.photo.read_bytes()
        answers = {shape: _outline(options.url, photo, shape) for shape in ("polygons", "svg")}
    except (OSError, ValueError) as error:
        print(f"outlines: {error}", file=sys.stderr)
        return 1
    options.out.write_text(_page(options.photo.name, photo, answers), encoding="utf-8")
    print(options.out)
    return 0


def _outline(url: str, photo: bytes, shape: str) -> dict[str, Any]:
    """Return the finished prediction; raises OSError, or ValueError with the response."""
    body = {
        "task": "outline",
        "params": {"format": shape},
        "data": base64.b64encode(photo).decode(),
    }
    request = urllib.request.Request(
        f"{url}/v1/predictions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Prefer": "wait=30"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            prediction: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise ValueError(error.read().decode(errors="replace")) from error
    if prediction["status"] != "succeeded":
        raise ValueError(f"the prediction is {prediction['status']}: {prediction['error']}")
    return prediction


def _page(name: str, photo: bytes, answers: dict[str, dict[str, Any]]) -> str:
    result, model = answers["polygons"]["result"], answers["polygons"]["model"]
    return PAGE.format(
        name=escape(name),
        photo=base64.b64encode(photo).decode(),
        svg=answers["svg"]["result"]["svg"],
        rows="".join(_row(each) for each in result["objects"]),
        model=escape(f"{model['name']} {model['version']}"),
        width=result["width"],
        height=result["height"],
    )


def _row(outlined: dict[str, Any]) -> str:
    parts = outlined["polygons"]
    cells = (
        escape(outlined["label"]),
        f"{outlined['area']:,.0f}",
        len(outlined["vertices"]),
        len(parts),
        sum(len(part["holes"]) for part in parts),
    )
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells) + "</tr>"


if __name__ == "__main__":
    sys.exit(main())
