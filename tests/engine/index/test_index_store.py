"""Buckets that cannot hold the index are refused at the start, and nothing of the check stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.database.ids import new_id
from common.errors import SettingsError
from common.services import Services, open_services
from common.settings import Settings
from common.storage import open_storage
from engine.index import schemas
from engine.index.address import check_index_store
from engine.index.documents import FIELDS, Document
from engine.index.store import TEXTS, Index, IndexUnavailable
from engine.process import Engine
from tests.support.servers.s3 import new_bucket, s3_storage_url
from tests.support.servers.s3_lookalikes import Breaks, lookalike

BROKEN = [each for each in Breaks if each is not Breaks.NONE]
SAID = {
    Breaks.CONDITION: "ignores the condition",
    Breaks.UNSUPPORTED: "501",
    Breaks.RANGE: "Range",
    Breaks.LISTING: "list",
}


@pytest.fixture
def bucket(s3_server: str) -> str:
    return new_bucket(s3_server)


def address(endpoint: str, bucket: str) -> str:
    return s3_storage_url(endpoint, bucket).replace("?", "/the/index?", 1) + "&timeout=10"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path)})
    with open_services(settings) as services:
        yield services


def with_index(services: Services, url: str) -> Services:
    settings = Settings.from_env({"DATA_DIR": str(services.settings.data_dir), "INDEX_URL": url})
    return Services(settings, services.sessions, services.storage, services.broker)


def keys(s3_server: str, bucket: str) -> list[str]:
    return [entry.key for entry in open_storage(s3_storage_url(s3_server, bucket)).list("")]


@pytest.mark.parametrize("breaks", BROKEN)
def test_an_engine_refuses_a_bucket_that_would_lose_images(
    services: Services, s3_server: str, bucket: str, breaks: Breaks
) -> None:
    with lookalike(s3_server, breaks) as endpoint:
        broken = with_index(services, address(endpoint, bucket))
        for task in ("index", "search"):
            with pytest.raises(SettingsError, match=f"INDEX_URL.*{SAID[breaks]}"):
                Engine(broken, [task])
    assert keys(s3_server, bucket) == [], "the check leaves nothing"


def test_a_bucket_that_keeps_its_promises_is_taken(s3_server: str, bucket: str) -> None:
    with lookalike(s3_server, Breaks.NONE) as endpoint:
        check_index_store(address(endpoint, bucket))
        assert keys(s3_server, bucket) == []
        assert Index(address(endpoint, bucket)).count() == 0


@pytest.mark.parametrize("breaks", BROKEN)
def test_an_index_is_not_opened_there_either(s3_server: str, bucket: str, breaks: Breaks) -> None:
    """A server that could not be asked at the start is asked before the first use."""
    with lookalike(s3_server, breaks) as endpoint, pytest.raises(IndexUnavailable) as raised:
        Index(address(endpoint, bucket)).count()
    assert SAID[breaks] in raised.value.explained
    assert "INDEX_URL" not in raised.value.detail, "settings are the operator's business"
    assert raised.value.counts is False


def test_an_engine_starts_before_its_bucket_does(services: Services) -> None:
    waiting = with_index(services, s3_storage_url("http://127.0.0.1:9", "bucket"))
    Engine(waiting, ["index"])


def test_an_index_of_an_earlier_version_gets_the_new_field(tmp_path: Path) -> None:
    import lancedb

    url = tmp_path.as_uri()
    fields = [name for name in FIELDS if name != "text"]
    old, new = (
        Document(
            id=new_id(), owner=None, public=True, read_at=1, known="{}",
            texts=dict.fromkeys(FIELDS, "") | {"caption": "harbour"} | extra,
        )
        for extra in ({}, {"text": "invoice 2041"})
    )  # fmt: skip
    rows = schemas.texts([old]).drop_columns(["text"])
    lancedb.connect(str(tmp_path)).create_table(TEXTS, rows)
    index = Index(url)
    index.write([new])
    found = index.find("invoice", {"text": 1.0}, "", 5)
    assert [(hit.id, hit.texts["text"]) for hit in found] == [(new.id, "invoice 2041")]
    both = index.find("harbour", dict.fromkeys(fields, 1.0), "", 5)
    assert {hit.id: hit.texts["text"] for hit in both} == {old.id: "", new.id: "invoice 2041"}


def test_an_engine_of_other_tasks_needs_no_index(
    services: Services, s3_server: str, bucket: str
) -> None:
    with lookalike(s3_server, Breaks.CONDITION) as endpoint:
        Engine(with_index(services, address(endpoint, bucket)), ["classify"])
