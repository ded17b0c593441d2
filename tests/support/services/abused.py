"""A standalone service that is abused, and what its hostile callers know of it."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.abuse.bad_requests import BASE64
from tests.support.abuse.hostile import Operation, operations
from tests.support.http.accounts import Account, sign_up
from tests.support.services.processes import Running, standalone

OTHERS = 2.0  # seconds that another caller may wait, on a machine that does other work too
PATIENCE = 60
UNKNOWN = "01920000-0000-7000-8000-000000000000"
PATH_IDS = ("id", "link_id", "prediction_id", "sha256")


@pytest.fixture(scope="module")
def service(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service of its own: what is measured must not be another test's work."""
    folder = tmp_path_factory.mktemp("abused")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models, PREDICTION_QUOTA="off") as running:
        yield running


@pytest.fixture(scope="module")
def anna(service: Running) -> Account:
    return sign_up(service.base_url)


@pytest.fixture(scope="module")
def image(service: Running, anna: Account) -> str:
    made = requests.post(
        f"{service.base_url}/v1/images",
        json={"data": BASE64},
        headers=anna.headers,
        timeout=PATIENCE,
    )
    return str(made.json()["id"])


@pytest.fixture(scope="module")
def post(service: Running, anna: Account, image: str) -> str:
    made = requests.post(
        f"{service.base_url}/v1/posts",
        json={"image_id": image, "text": "x"},
        headers=anna.headers,
        timeout=PATIENCE,
    )
    return str(made.json()["id"])


@pytest.fixture(scope="module")
def every_operation(service: Running, image: str, post: str) -> list[Operation]:
    document = requests.get(f"{service.base_url}/openapi.json", timeout=PATIENCE).json()
    ids = dict.fromkeys(PATH_IDS, UNKNOWN) | {"name": "anna", "slug": "x" * 22}
    made = {"/v1/images/": image, "/v1/posts/": post}
    return [
        each
        for path, verbs in document["paths"].items()
        for each in operations(document, path, verbs, ids | own_id(path, made))
    ]


def own_id(path: str, made: dict[str, str]) -> dict[str, str]:
    """The id of what the caller owns, so that the body is read."""
    found = next((id for prefix, id in made.items() if path.startswith(prefix)), None)
    return {"id": found} if found else {}
