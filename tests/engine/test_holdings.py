"""The command that shows what is held: as JSON and as text, of the real folders and tables."""

import json
from pathlib import Path

import pytest

from common.broker import open_broker
from common.database.session import Sessions
from common.services import Services
from common.settings import Settings
from common.storage import object_key, open_storage
from common.tables import Base
from engine.holdings import main, report
from engine.index.store import Index
from tests.engine.index.test_index import document
from tests.support.rows.databases import migrate


def test_the_command_tells_of_every_table_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = Settings.from_env({"DATA_DIR": str(tmp_path)})
    migrate(settings.database_url, tmp_path)
    open_storage(settings.storage_url).put(object_key(bytes(32)), b"12345")
    Index(settings.index_url).write([document("tabby")])
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights").write_bytes(bytes(7))
    assert main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["table"] for each in told["tables"]} == Base.metadata.tables.keys()
    assert all(each["rule"] and each["rule"] != "no rule" for each in told["tables"])
    folders = {each["folder"]: each for each in told["store"] + told["folders"]}
    assert folders["store: objects"] == {"folder": "store: objects", "files": 1, "bytes": 5}
    assert folders[str(tmp_path / "models")]["bytes"] == 7
    [texts] = [each for each in told["index"] if each["table"].startswith("texts")]
    assert (texts["rows"], texts["fragments"]) == (1, 1)
    assert texts["versions"] >= 1
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in (*Base.metadata.tables, "store: objects", "texts"))


def test_a_table_is_told_with_its_size(sessions: Sessions, tmp_path: Path) -> None:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path)})
    broker = open_broker("memory://")
    services = Services(settings, sessions, open_storage(settings.storage_url), broker)
    try:
        told = {each["table"]: each for each in report(services)["tables"]}
    finally:
        broker.close()
    assert told["images"]["size"] > 0
    assert (told["images"]["rows"], told["images"]["oldest"]) == (0, None)
