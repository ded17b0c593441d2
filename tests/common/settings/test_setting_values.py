"""Values of settings as environment files, orchestrators and people write them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import SettingsError
from common.settings import Settings
from common.settings.parsers import Allowance
from tests.support.checkout import CHECKOUT


@pytest.mark.parametrize("text", ["on", "ON", "true", "True", "yes", "1", '"on"', "'true'", "on\r"])
def test_a_switch_is_on(text: str) -> None:
    assert Settings.from_env({"ANONYMOUS_UPLOADS": text}).anonymous_uploads is True


@pytest.mark.parametrize("text", ["off", "OFF", "false", "False", "no", "0", '"off"', "false\r"])
def test_a_switch_is_off(text: str) -> None:
    assert Settings.from_env({"ANONYMOUS_UPLOADS": text}).anonymous_uploads is False


@pytest.mark.parametrize("text", ["maybe", "2", "enabled", "tru"])
def test_other_words_are_no_switch(text: str) -> None:
    with pytest.raises(SettingsError, match="must be on or off"):
        Settings.from_env({"ANONYMOUS_UPLOADS": text})


@pytest.mark.parametrize(
    "text", ['"100/minute"', "100/Minute", "100/minutes\r", " '100 / minute' "]
)
def test_a_limit_is_read(text: str) -> None:
    assert Settings.from_env({"RATE_LIMIT": text}).rate_limit == Allowance(100, 60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("CPU",)),
        ("CUDA, CPU", ("CUDA", "CPU")),
        ("CUDAExecutionProvider,CPUExecutionProvider,CPU", ("CUDA", "CPU")),
    ],
)
def test_execution_providers_are_named_in_order(text: str, expected: tuple[str, ...]) -> None:
    assert Settings.from_env({"ONNX_PROVIDERS": text}).onnx_providers == expected


def test_no_limit_may_be_capitalised() -> None:
    assert Settings.from_env({"SIGN_UP_LIMIT": "OFF"}).sign_up_limit is None


def test_only_a_pair_of_quotes_around_the_value_is_removed(tmp_path: Path) -> None:
    assert Settings.from_env({"OPENAI_API_KEY": "\"sk-'1'\""}).openai_api_key == "sk-'1'"
    assert Settings.from_env({"OPENAI_API_KEY": '"sk-1'}).openai_api_key == '"sk-1'
    assert Settings.from_env({"OPENAI_API_KEY": '"'}).openai_api_key == '"'
    assert Settings.from_env({"OPENAI_API_KEY": '""'}).openai_api_key == ""
    assert Settings.from_env({"DATA_DIR": f'"{tmp_path}"'}).data_dir == tmp_path


def test_a_file_holds_the_value_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes('\ufeff"sk-1"\r\n'.encode())
    environ = {"OPENAI_API_KEY_FILE": f'"{tmp_path / "key"}"'}
    assert Settings.from_env(environ).openai_api_key == '"sk-1"'


@pytest.mark.parametrize(
    ("variable", "text", "wanted"),
    [
        ("MAX_UPLOAD_BYTES", "10MB", "must be a whole number, such as 10000"),
        ("TRUSTED_PROXIES", "10.0.0.0/8", "must be a whole number"),
        ("CAPTION_TIMEOUT", "30s", "must be a number, such as 30"),
        ("CAPTION_PRICE", "0.1;0.2", "must be a number"),
        ("METRICS_PORT", "http://host", "must be a port, or host:port"),
        ("DATA_DIR", "~no-such-user/x", "home directory"),
        ("ONNX_PROVIDERS", "CUDA;CPU", "must be names of execution providers such as CUDA,CPU"),
        ("ONNX_PROVIDERS", ",", "must be names of execution providers"),
    ],
)
def test_the_error_says_what_to_send(variable: str, text: str, wanted: str) -> None:
    with pytest.raises(SettingsError, match=wanted) as caught:
        Settings.from_env({variable: text})
    assert caught.value.detail.startswith(f"{variable}={text!r} cannot be used: ")


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"])
def test_every_name_of_the_database_means_one_driver(scheme: str) -> None:
    url = Settings.from_env({"DATABASE_URL": f"{scheme}://u:p%23@h:3307/d?ssl=1"}).database_url
    assert url == "mysql+pymysql://u:p%23@h:3307/d?ssl=1"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://u:secret@h/d",
        "mysql+aiomysql://u:secret@h/d",
        "mysql+pymysql://u:secret@h:port/d",
        "mysql+pymysql://u:secret@h",
        "mysql+pymysql://u:secret@h/d?timeout=3",
        "mysql+pymysql://u:secret@h/d?ssl_ca=/no/such/file",
    ],
)
def test_another_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL cannot be used: ") as caught:
        Settings.from_env({"DATABASE_URL": url})
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"DATABASE_URL": "mysql+pymysql://u:p@127.0.0.1:1/d"}, "migrations: the database cannot"),
        ({"DATABASE_URL": "sqlite:////no/such/folder/a.db"}, "migrations: the database cannot"),
        ({"DATA_DIR": "/dev/null"}, "migrations: DATA_DIR=/dev/null cannot be used: it is not a"),
        ({"DATA_DIR": "/dev/null/x"}, "migrations: DATA_DIR=/dev/null/x cannot be used: Not a"),
    ],
)
@pytest.mark.slow
def test_migrations_end_with_one_line(environ: dict[str, str], wanted: str, tmp_path: Path) -> None:
    given = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)} | environ
    command = [sys.executable, "-m", "migrations"]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=given, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1
    assert done.stderr.startswith(wanted)
    assert len(done.stderr.splitlines()) == 1
