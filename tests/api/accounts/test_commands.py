"""The operator's commands on people, and a service that wants an account for work."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.checkout import CHECKOUT
from tests.support.http.accounts import PASSWORD, log_in, sign_up
from tests.support.http.calls_in_process import photo
from tests.support.services.idle_api import only_api
from tests.support.services.processes import Running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("commanded")
    with only_api(folder, ANONYMOUS_UPLOADS="off") as running:
        yield running


def people(
    service: Running, *arguments: str, said: str = PASSWORD, module: str = "api.accounts"
) -> tuple[int, str]:
    """The command's exit code and all that it printed."""
    environ = {"DATA_DIR": str(service.log.parent), "PATH": "/usr/bin:/bin", "LOG_LEVEL": "error"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT, env=environ, input=f"{said}\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def role_of(service: Running, name: str) -> Any:
    """The role with which an account is logged in."""
    token = log_in(service.base_url, name)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{service.base_url}/v1/users/me", headers=headers, timeout=30).json()[
        "role"
    ]


def test_the_former_name_of_the_command_works(service: Running) -> None:
    wanted = ("create-admin", "former", "--email", "former@example.org")
    made = people(service, *wanted, module="api.people")
    assert made[0] == 0, made
    assert role_of(service, "former") == "admin"


def test_the_first_admin_is_made_by_a_command(service: Running) -> None:
    made = people(service, "create-admin", "root", "--email", "root@example.org")
    assert made == (0, "root is an admin\n")
    assert role_of(service, "root") == "admin"
    code, why = people(service, "create-admin", "ROOT", "--email", "other@example.org")
    assert code == 1
    assert "taken" in why
    assert "Traceback" not in why


@pytest.mark.parametrize(
    ("name", "email", "password"),
    [("me", "a@example.org", PASSWORD), ("x", "nobody", PASSWORD), ("y", "y@example.org", "short")],
)
def test_an_admin_keeps_the_rules_of_accounts(
    service: Running, name: str, email: str, password: str
) -> None:
    code, why = people(service, "create-admin", name, "--email", email, said=password)
    assert code == 1
    assert why.startswith("accounts: ")
    assert "Traceback" not in why


def test_a_role_can_be_given_and_taken(service: Running) -> None:
    sign_up(service.base_url, "rolf")
    assert role_of(service, "rolf") == "user"
    assert people(service, "set-role", "Rolf", "admin") == (0, "rolf has the role admin\n")
    assert role_of(service, "rolf") == "admin"
    assert people(service, "set-role", "rolf", "ml")[0] == 0
    assert role_of(service, "rolf") == "ml"
    assert people(service, "set-role", "nobody", "ml")[0] == 1


@pytest.mark.parametrize("path", ["/v1/images", "/v1/predictions?task=classify"])
def test_an_account_may_be_wanted_for_work(service: Running, path: str) -> None:
    def send(headers: dict[str, str]) -> Any:
        given = {"Content-Type": "image/png", **headers}
        return requests.post(service.base_url + path, photo(), headers=given, timeout=30)

    refused = send({})
    assert (refused.status_code, refused.json()["code"]) == (401, "token_missing")
    assert send(sign_up(service.base_url).headers).status_code in (201, 202)


def test_the_predecessor_wants_it_too(service: Running) -> None:
    answer = requests.post(f"{service.base_url}/inference/image", json={"data": "aGk="}, timeout=30)
    assert answer.status_code == 401


def test_the_demo_can_be_set_up_twice(service: Running, tmp_path: Path) -> None:
    for name in ("one.png", "two_cats.png"):
        (tmp_path / name).write_bytes(photo())

    def demo() -> str:
        command = [sys.executable, "docs/demo.py", str(tmp_path), "--url", service.base_url]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "2 new posts" in demo()
    assert "0 new posts" in demo()
    posts = requests.get(f"{service.base_url}/v1/posts?user=client_user", timeout=30).json()
    assert {post["text"] for post in posts["items"]} == {"one", "two cats"}
    log_in(service.base_url, "client_user", "tryClassifier")
