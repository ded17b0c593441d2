"""A new task is two new files: routes, queues, index, OpenAPI document and README follow from them.

The files are added to a copy of the source tree, where a standalone service then runs the task.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.sources import ROOT
from tests.support.images.pictures import encode, picture
from tests.support.services.processes import OURS

pytestmark = pytest.mark.slow

COPIED = ("api", "common", "engine", "migrations", "docs", "standalone.py", "README.md")
PACKAGES = ("house", "support")  # of the tests, for the generator of the documents' tables

CONTRACT = '''"""brightness: say whether an image is dark or bright."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from common.schemas import RequestSchema
from common.search.facts import SearchableFacts
from common.tasks import Contract


class BrightnessParams(RequestSchema):
    """The level that separates dark images from bright ones."""

    level = fields.Integer(
        strict=True,
        load_default=128,
        validate=validate.Range(0, 255),
        metadata={"description": "Images with this mean or a higher one are bright."},
    )


class BrightnessResult(Schema):
    """The mean of all pixels, and what it is called."""

    mean = fields.Float(metadata={"description": "0 to 255.", "example": 203.5})
    word = fields.String(metadata={"example": "bright"})


def searchable(result: Mapping[str, Any]) -> SearchableFacts:
    """Return the word, so that a search for `bright` finds the image."""
    return SearchableFacts(labels=[(result["word"], 1.0)])


CONTRACT = Contract(
    name="brightness",
    summary="Whether the image is dark or bright.",
    params=BrightnessParams,
    result=BrightnessResult,
    searchable=searchable,
)
'''

RUNNER = '''"""brightness: the mean of all pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from common.settings import Settings
from engine.decoding.decoder import Decoder, open_decoder

SIDE = 64  # pixels that are enough for a mean


class BrightnessRunner:
    """Computes means; it needs no model."""

    model: dict[str, Any] = {"name": "mean", "version": "1"}

    def __init__(self, decoder: Decoder):
        self._decoder = decoder

    def prepare(self, data: bytes, params: dict[str, Any]) -> float:
        """Return the mean of the decoded image, 0 to 255."""
        with self._decoder.decoded(data, SIDE, SIDE) as pixels:
            return float(np.asarray(pixels).mean())

    def run(self, prepared: Sequence[float], params: Sequence[dict[str, Any]]) -> list[Any]:
        """Return each mean and its word."""
        return [
            {"mean": mean, "word": "bright" if mean >= each["level"] else "dark"}
            for mean, each in zip(prepared, params, strict=True)
        ]


def open_runner(
    settings: Settings, model: str | None = None, decoder: Decoder | None = None
) -> BrightnessRunner:
    """Return a runner; there is no model to load."""
    return BrightnessRunner(decoder or open_decoder(settings))
'''

# Run in the copy: prints as JSON what the service answers.
DRIVER = """import json, sys, time
from pathlib import Path

from api.app import close
import common.tasks
from standalone import from_env
from tests.house.generated_tables import README, documents, with_tables

app = from_env()
client = app.test_client()
seen = {"file": common.tasks.__file__}
seen["tasks"] = {each["name"]: each for each in client.get("/v1/tasks").json["items"]}
seen["openapi"] = client.get("/openapi.json").json
image = Path(sys.argv[1]).read_bytes()
answer = client.post(
    "/v1/predictions?task=brightness&visibility=public", data=image, content_type="image/png"
)
seen["status"], prediction = answer.status_code, answer.json
until = time.monotonic() + 60
while prediction["status"] in ("queued", "processing") and time.monotonic() < until:
    time.sleep(0.1)
    prediction = client.get(f"/v1/predictions/{prediction['id']}").json
seen["prediction"] = prediction
seen["found"] = []
while not seen["found"] and time.monotonic() < until:
    time.sleep(0.5)
    search = client.get("/v1/search?query=bright&wait=10").json
    seen["found"] = [each["image"]["id"] for each in search.get("items") or []]
seen["search"] = search
seen["refused"] = client.post(
    "/v1/predictions",
    json={"task": "brightness", "image_id": prediction["image_id"], "params": {"level": 256}},
).json
README.write_text(with_tables(README.read_text(), documents()[README]))
seen["readme"] = README.read_text()
close(app)
Path(sys.argv[2]).write_text(json.dumps(seen, default=str))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree with the two files of the new task."""
    tree = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    (tree / "tests").mkdir()
    (tree / "tests" / "__init__.py").touch()
    for name in PACKAGES:
        shutil.copytree(ROOT / "tests" / name, tree / "tests" / name)
    (tree / "common" / "tasks" / "brightness.py").write_text(CONTRACT)
    (tree / "engine" / "tasks" / "brightness.py").write_text(RUNNER)
    return tree


@pytest.fixture(scope="module")
def seen(copy: Path) -> dict[str, Any]:
    """What a standalone service of the copy answers."""
    data = copy / "var"
    data.mkdir(mode=0o700)
    environ = {key: value for key, value in os.environ.items() if key not in OURS}
    environ |= {"PYTHONPATH": str(copy), "DATA_DIR": str(data)}
    (copy / "bright.png").write_bytes(encode(picture("RGB", (60, 40)).point(lambda _: 240), "PNG"))
    for arguments in (
        ["-m", "alembic", "-c", "migrations/alembic.ini", "upgrade", "head"],
        ["-c", DRIVER, "bright.png", "seen.json"],
    ):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-5000:]
    answer: dict[str, Any] = json.loads((copy / "seen.json").read_text())
    assert answer["file"] == str(copy / "common" / "tasks" / "__init__.py")
    return answer


def test_the_catalogue_lists_it_with_its_schemas(seen: dict[str, Any]) -> None:
    task = seen["tasks"]["brightness"]
    assert task["summary"] == "Whether the image is dark or bright."
    assert task["params"]["properties"]["level"]["default"] == 128
    assert set(task["result"]["properties"]) == {"mean", "word"}


def test_a_prediction_goes_through_its_queue_to_its_runner(seen: dict[str, Any]) -> None:
    assert seen["status"] in (200, 201, 202)
    prediction = seen["prediction"]
    assert (prediction["task"], prediction["status"]) == ("brightness", "succeeded")
    assert prediction["params"] == {"level": 128}
    assert prediction["result"] == {"mean": 240.0, "word": "bright"}
    assert (prediction["model"]["name"], prediction["model"]["version"]) == ("mean", "1")


def test_params_are_checked_by_its_schema(seen: dict[str, Any]) -> None:
    assert seen["refused"]["code"] == "params_invalid"
    assert list(seen["refused"]["errors"]["params"]) == ["level"]


def test_its_facts_are_in_the_index(seen: dict[str, Any]) -> None:
    assert seen["found"] == [seen["prediction"]["image_id"]], seen["search"]


def test_the_openapi_document_describes_it(seen: dict[str, Any]) -> None:
    schemas = seen["openapi"]["components"]["schemas"]
    assert schemas["BrightnessParams"]["properties"]["level"]["maximum"] == 255
    assert set(schemas["BrightnessResult"]["properties"]) == {"mean", "word"}
    enums = list(enums_in(seen["openapi"]))
    assert [each for each in enums if "classify" in each and "brightness" not in each] == []
    assert any("brightness" in each for each in enums)


def enums_in(document: Any) -> Iterator[list[Any]]:
    """Every list of permitted values in a part of the OpenAPI document."""
    if isinstance(document, dict):
        if isinstance(document.get("enum"), list):
            yield document["enum"]
        document = list(document.values())
    for part in document if isinstance(document, list) else ():
        yield from enums_in(part)


def test_the_readme_table_has_a_row_of_it(seen: dict[str, Any]) -> None:
    row = "| `brightness` | Whether the image is dark or bright. | `level` (128) | 1 |"
    assert row in seen["readme"].splitlines()
    assert row not in (ROOT / "README.md").read_text().splitlines()
