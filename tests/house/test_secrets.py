"""docker/secrets.sh: what it makes, that it keeps it, and that everybody can use it."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from common.settings import Settings
from common.storage.s3_address import parse_s3_url
from tests.house.compose import CONTENT
from tests.house.sources import ROOT

ADDRESSES = ("database_url", "broker_url", "storage_url")


def made(folder: Path) -> dict[str, str]:
    subprocess.run(["sh", ROOT / "docker" / "secrets.sh", folder], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_secret_of_the_compose_file_is_made(tmp_path: Path) -> None:
    files = {Path(secret["file"]).name for secret in CONTENT["secrets"].values()}
    assert {secret["file"] for secret in CONTENT["secrets"].values()} == {
        f"secrets/{name}" for name in files
    }
    assert files <= made(tmp_path).keys()
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_passwords_are_long_differ_and_are_kept(tmp_path: Path) -> None:
    first = made(tmp_path)
    passwords = {name: text for name, text in first.items() if name.endswith("_password")}
    assert len(set(passwords.values())) == len(passwords) == 6
    assert {len(text) for text in passwords.values()} == {32}
    assert made(tmp_path) == first


def test_nobody_else_gets_to_files_that_every_container_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


def test_settings_read_the_addresses_and_these_hold_the_passwords(tmp_path: Path) -> None:
    (tmp_path / "mysql_password").write_text("my~own.one-\n")
    files = made(tmp_path)
    settings = Settings.from_env(
        {f"{name.upper()}_FILE": str(tmp_path / name) for name in ADDRESSES}
    )
    database = make_url(settings.database_url)
    assert (database.host, database.password, database.database) == (
        "mysql",
        "my~own.one-",
        "afterimage",
    )
    for wing in ("api", "engine"):
        url = make_url(files[f"database_url_{wing}"])
        assert (url.username, url.password) == (
            f"afterimage_{wing}",
            files[f"mysql_{wing}_password"],
        )
        assert f"'afterimage_{wing}'@'%' IDENTIFIED BY '{url.password}'" in files["mysql_users.sql"]
    assert settings.broker_url == f"amqp://afterimage:{files['rabbitmq_password']}@rabbitmq/%2F"
    address = parse_s3_url(settings.storage_url, {})
    assert (address.endpoint, address.keys.secret_key) == ("http://s3:8333", files["s3_secret_key"])


def test_the_servers_are_told_the_same(tmp_path: Path) -> None:
    files = made(tmp_path)
    assert files["rabbitmq.conf"].splitlines() == [
        "default_user = afterimage",
        f"default_pass = {files['rabbitmq_password']}",
        "default_user_tags.administrator = false",
        "default_user_tags.monitoring = true",
    ]
    [identity] = json.loads(files["s3.json"])["identities"]
    keys = {"accessKey": "afterimage", "secretKey": files["s3_secret_key"]}
    assert identity["credentials"] == [keys]
    assert files["s3_keys"] == f"afterimage:{files['s3_secret_key']}"


@pytest.mark.parametrize("password", ["with space", "a@b", 'quo"te', "per%cent"])
def test_a_password_that_would_break_an_address_is_refused(tmp_path: Path, password: str) -> None:
    (tmp_path / "mysql_password").write_text(password)
    done = subprocess.run(
        ["sh", ROOT / "docker" / "secrets.sh", tmp_path],
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "mysql_password: use letters" in done.stderr
    assert not (tmp_path / "database_url").exists()
