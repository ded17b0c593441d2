"""Settings: from the environment, or from the files that `<NAME>_FILE` names."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from common.settings import Settings

URL = "mysql+pymysql://afterimage:se%23cret@db/afterimage"


def read(**environ: object) -> Settings:
    return Settings.from_env({name: str(value) for name, value in environ.items()})


def refusal(**environ: object) -> str:
    with pytest.raises(SettingsError) as caught:
        read(**environ)
    return str(caught.value.detail)


def written(folder: Path, text: str) -> Path:
    path = folder / "secret"
    path.write_text(text)
    return path


def test_a_setting_may_come_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    assert read(DATABASE_URL_FILE=written(tmp_path, f"{URL}\n")).database_url == URL


def test_any_setting_may_be_in_a_file_and_is_parsed_alike(tmp_path: Path) -> None:
    assert read(MAX_PIXELS_FILE=written(tmp_path, "10_000")).max_pixels == 10_000
    wrong = refusal(MAX_PIXELS_FILE=written(tmp_path, "many"))
    assert wrong.startswith("MAX_PIXELS='many' cannot be used")


def test_an_empty_file_and_an_empty_name_of_one_count_as_unset(tmp_path: Path) -> None:
    assert read(OPENAI_API_KEY_FILE=written(tmp_path, "\n")).openai_api_key == ""
    assert read(MAX_PIXELS_FILE=written(tmp_path, " ")).max_pixels == 40_000_000
    assert read(BROKER_URL="memory://", BROKER_URL_FILE=" ").broker_url == "memory://"


def test_a_value_and_a_file_at_once_are_refused_without_being_shown(tmp_path: Path) -> None:
    said = refusal(DATABASE_URL=URL, DATABASE_URL_FILE=written(tmp_path, URL))
    assert said == "DATABASE_URL and DATABASE_URL_FILE are both set; set only one of them."


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing"
    why = f"BROKER_URL_FILE='{path}' cannot be read: No such file or directory"
    assert refusal(BROKER_URL_FILE=path) == why
    assert refusal(BROKER_URL_FILE=tmp_path).endswith("cannot be read: Is a directory")
    path.write_bytes(b"\xff\xfe\x00")
    assert refusal(BROKER_URL_FILE=path).endswith("cannot be read: it is not text")


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    settings = read(DATABASE_URL_FILE=written(tmp_path, URL), OPENAI_API_KEY="sk-1", DATA_DIR="x")
    assert "se%23cret" not in repr(settings)
    assert "sk-1" not in repr(settings)
    assert "data_dir=" in repr(settings)
