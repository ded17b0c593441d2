"""What callers read of a failure inside: what failed, never a path, a host name or an address."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.broker import BrokerUnavailable
from common.broker.amqp import open_amqp
from common.database.ids import new_id
from common.errors import ModelUnavailable, SettingsError
from common.predictions import Failure, Job, Retry
from engine.index.store import Index, IndexUnavailable
from engine.models.catalogue import default_model
from engine.models.defaults import DEFAULTS, defaults
from engine.models.litert import LiteRtModel
from engine.preparation import outcome_of
from tests.support.servers.programs import free_ports


def told(error: Exception) -> str:
    job = Job(new_id(), 1, 0, "classify", {}, b"x" * 32, datetime.now(UTC))
    outcome = outcome_of(job, error)
    assert isinstance(outcome, Failure | Retry)
    return outcome.detail


def test_an_index_that_cannot_be_opened_does_not_tell_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "secret-folder").write_text("a file where a folder should be")
    with pytest.raises(IndexUnavailable) as raised:
        Index(f"file://{tmp_path}/secret-folder/index").count()
    assert "secret-folder" not in told(raised.value)
    assert told(raised.value).startswith("The search index does not answer.")
    assert "secret-folder" in raised.value.explained, "the log says where"


def test_an_index_server_that_is_away_is_not_named() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(IndexUnavailable) as raised:
        Index(
            f"s3://bucket?endpoint=http://{address}&access_key=key&secret_key=secret&timeout=1"
        ).count()
    assert address not in told(raised.value)
    assert "secret" not in raised.value.explained


def test_a_model_that_does_not_load_is_named_within_its_folder(tmp_path: Path) -> None:
    chosen = default_model("classify")
    model = LiteRtModel(tmp_path / "gone.tflite", chosen)
    with pytest.raises(ModelUnavailable) as raised:
        model.session()
    assert told(raised.value) == f"{chosen.folder} cannot be loaded."
    assert str(tmp_path) in raised.value.explained


def test_defaults_that_cannot_be_read_do_not_tell_the_path(tmp_path: Path) -> None:
    (tmp_path / DEFAULTS).mkdir()
    with pytest.raises(ModelUnavailable) as raised:
        defaults(tmp_path)
    assert told(raised.value) == "defaults.json in MODEL_DIR cannot be read."
    assert str(tmp_path) in raised.value.explained


def test_a_setting_is_not_told_to_those_who_ask_for_predictions() -> None:
    error = SettingsError("INDEX_URL: the server at s3.internal cannot be used.")
    assert told(error) == "The engine failed on this image; see its log."


def test_a_broker_that_is_away_is_not_told_with_its_address() -> None:
    [port] = free_ports(1)
    broker = open_amqp(f"amqp://me:secret@127.0.0.1:{port}/")
    with pytest.raises(BrokerUnavailable) as raised:
        broker.depths(["afterimage.classify"])
    assert raised.value.detail == "The message broker is not available."
    assert "refused" in raised.value.explained.lower()
