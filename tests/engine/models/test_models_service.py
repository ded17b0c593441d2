"""Models by name through the whole service: named, listed, the default changed while it runs."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from engine.models.add import add
from engine.models.catalogue import default_model
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import Lines
from tests.engine.models.test_models_default import TWIN, twin_of
from tests.engine.models.test_pull_processes import run
from tests.support.checkout import CHECKOUT
from tests.support.http.calls import cat as cat
from tests.support.http.calls import get, post, until
from tests.support.rows.databases import migrate
from tests.support.servers.backends import missing
from tests.support.services.processes import Running, standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

DEFAULT = default_model("classify").reference
SECONDS = 30.0
IDLE_BYTES = 150 * 2**20


@pytest.fixture(scope="module")
def model_dir_of_two(models: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several") / "models"
    shutil.copytree(models, folder)
    twin_of(folder)
    return folder


@pytest.fixture(scope="module")
def service(model_dir_of_two: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("named")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=str(model_dir_of_two)) as running:
        yield running


def ask(service: Running, image: bytes, **fields: Any) -> Any:
    """The prediction of a photograph, waited for."""
    fields = {"task": "classify", "wait": 30, "fresh": "true"} | fields
    return post(
        f"{service.base_url}/v1/predictions", params=fields, files={"file": ("x.jpg", image)}
    ).json()


def listed(service: Running, task: str = "classify") -> dict[str, Any]:
    items = get(f"{service.base_url}/v1/models").json()["items"]
    return {f"{m['name']}@{m['version']}": m for m in items if m["task"] == task}


def test_a_request_may_name_the_version(service: Running, cat: bytes) -> None:
    plain, named = ask(service, cat), ask(service, cat, model=TWIN)
    assert plain["model"]["version"] == default_model("classify").version
    assert named["model"]["version"] == "twin"
    assert named["model"]["sha256"] == default_model("classify").sha256
    assert named["result"] == plain["result"]


def test_an_object_names_it_too(service: Running, cat: bytes) -> None:
    first = ask(service, cat)
    body = {
        "task": "classify", "image_id": first["image_id"],
        "model": {"name": "mobilenet_v2_1.0_224", "version": "twin"},
    }  # fmt: skip
    found = post(f"{service.base_url}/v1/predictions?wait=30&fresh=true", json=body).json()
    assert (found["status"], found["model"]["version"]) == ("succeeded", "twin")


def test_what_is_known_of_one_version_is_not_given_for_another(
    service: Running, cat: bytes
) -> None:
    ask(service, cat)
    ask(service, cat, model=TWIN)
    for fields, version in (({}, "tf2-ptq"), ({"model": TWIN}, "twin")):
        again = ask(service, cat, fresh="false", **fields)
        assert (again["cached"], again["model"]["version"]) == (True, version)


@pytest.mark.parametrize(
    ("model", "code"),
    [("mobilenet_v2_1.0_224@9", "model_unknown"), ("nothing@1", "model_unknown")],
)
def test_a_model_that_no_engine_has_is_refused(
    model: str, code: str, service: Running, cat: bytes
) -> None:
    answer = requests.post(
        f"{service.base_url}/v1/predictions",
        params={"task": "classify", "model": model},
        files={"file": ("x.jpg", cat)},
        timeout=30,
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert TWIN in answer.json()["errors"]["model"][0]


@pytest.mark.parametrize("model", ["", "x", "a@b@c", "a b@1", {"name": "x"}, 7, ["x@1"], "../x@1"])
def test_what_names_no_model_is_refused(model: Any, service: Running, cat: bytes) -> None:
    image = ask(service, cat)["image_id"]
    body = {"task": "classify", "image_id": image, "model": model}
    answer = requests.post(f"{service.base_url}/v1/predictions", json=body, timeout=30)
    assert answer.status_code == 422
    assert "model" in answer.json()["errors"]


def answers_by(service: Running, image: bytes, version: str) -> bool:
    return bool(ask(service, image)["model"]["version"] == version)


def is_default(service: Running, reference: str) -> bool:
    return bool(listed(service)[reference]["default"])


def test_the_default_changes_while_it_runs(
    service: Running, model_dir_of_two: Path, cat: bytes
) -> None:
    assert listed(service)[DEFAULT]["default"]
    try:
        for reference in (TWIN, DEFAULT):
            version = reference.partition("@")[2]
            done = run("default", "classify", reference, MODEL_DIR=str(model_dir_of_two))
            assert done.returncode == 0, done.stderr
            until(partial(answers_by, service, cat, version), SECONDS, f"{version} answers")
            until(partial(is_default, service, reference), SECONDS, f"{reference} is shown")
    finally:
        run("default", "classify", DEFAULT, MODEL_DIR=str(model_dir_of_two))


def test_models_are_listed_with_versions_licences_and_hashes(service: Running) -> None:
    there = listed(service)
    assert set(there) >= {DEFAULT, TWIN}
    for model in there.values():
        assert model["licence"] == "Apache-2.0"
        assert len(model["sha256"]) == 64
        assert isinstance(model["default"], bool)
    assert list(listed(service, "embed")) == [default_model("embed").reference]


def test_a_model_that_comes_while_it_runs_can_be_named(
    service: Running, model_dir_of_two: Path, cat: bytes
) -> None:
    twin_of(model_dir_of_two, "late")
    until(lambda: "mobilenet_v2_1.0_224@late" in listed(service), SECONDS, "it is listed")
    asked: dict[str, Any] = {"task": "classify", "model": "mobilenet_v2_1.0_224@late", "wait": 30}

    def answered() -> Any:
        """Requests are checked against what was read within the last second."""
        answer = requests.post(
            f"{service.base_url}/v1/predictions", params=asked, files={"file": cat}, timeout=60
        )
        return answer.ok and answer.json()

    found = until(answered, SECONDS, "it answers")
    assert found["model"]["version"] == "late"


def test_a_vector_is_told_on_demand_alone(service: Running, cat: bytes) -> None:
    plain = ask(service, cat, task="embed")
    assert plain["result"] == {"dimensions": 1024}
    whole = ask(service, cat, task="embed", params='{"vector": true}')
    assert len(whole["result"]["vector"]) == 1024
    assert sum(each**2 for each in whole["result"]["vector"]) == pytest.approx(1, abs=1e-5)
    [kept] = [
        each
        for each in get(f"{service.base_url}/v1/images/{plain['image_id']}").json()["predictions"]
        if each["id"] == plain["id"]
    ]
    assert kept["result"] == {"dimensions": 1024}


@pytest.mark.tensorflow
def test_a_savedmodel_answers_through_the_service(
    mirror: str, service: Running, model_dir_of_two: Path, cat: bytes
) -> None:
    if not find_spec("tensorflow"):
        missing("TensorFlow is not installed: make tensorflow")
    folder = Path(mirror) / "mobilenet_v2_100_224"
    if not folder.is_dir():
        missing(f"there is no folder {folder}")
    added = add(
        "classify", str(folder), ModelDescription(version="float"), model_dir_of_two, Lines()
    )
    until(lambda: added.reference in listed(service), SECONDS, "it is listed")

    def answered() -> Any:
        asked: dict[str, Any] = {
            "task": "classify",
            "model": added.reference,
            "wait": 30,
            "fresh": "true",
        }
        answer = requests.post(
            f"{service.base_url}/v1/predictions", params=asked, files={"file": cat}, timeout=60
        )
        return answer.status_code == 200 and answer.json()

    found = until(answered, 2 * SECONDS, "it answers")
    assert found["model"] | {"version": "float", "sha256": added.sha256} == found["model"]
    assert found["result"]["labels"][0]["name"] == "Egyptian cat"


def test_an_idle_engine_stays_small_and_loads_no_tensorflow(models: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db'}"
    migrate(url, tmp_path)
    env = {
        "DATA_DIR": str(tmp_path), "DATABASE_URL": url, "MODEL_DIR": models,
        "ENGINE_WORKERS": "2", "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    log = tmp_path / "engine.log"
    command = [sys.executable, "-m", "engine", "--tasks", "classify"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=out, stderr=out) as process,
    ):
        try:
            engine = psutil.Process(process.pid)
            opened = lambda: sum("tflite" in each.path for each in engine.memory_maps())  # noqa: E731
            until(opened, SECONDS, f"the model is mapped: {log.read_text()}")
            until(lambda: engine.cpu_percent(1) < 20, SECONDS, "it idles")
            assert engine.memory_info().rss < IDLE_BYTES
            assert not any("tensorflow" in each.path for each in engine.memory_maps())
        finally:
            process.terminate()
            process.wait(SECONDS)
