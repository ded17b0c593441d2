"""What a STORAGE_URL may say, and how the two adapters read it."""

from pathlib import Path
from urllib.request import urlopen

import pytest

from common.errors import SettingsError
from common.storage import open_storage
from common.storage.s3_address import S3Address, parse_s3_url
from tests.support.servers.s3 import ACCESS_KEY, SECRET_KEY, canned_s3, new_bucket, s3_storage_url

KEYS = f"access_key={ACCESS_KEY}&secret_key={SECRET_KEY}"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "x"\r\nConnection: close\r\n\r\n'


def parsed(rest: str, **environ: str) -> S3Address:
    return parse_s3_url(f"s3://bucket{rest}", environ)


@pytest.mark.parametrize(
    "url",
    [
        "file://", "file:///", "file:relative", "file://relative/folder", "file://~/objects",
        "file://./objects", "file:///./objects", "file:///srv/../etc", "file:///srv/%2E%2E/etc",
        "file:///srv/a?b", "file:///srv/a#b", "file:///srv/%00", "/srv/objects", "objects", "",
    ],
)  # fmt: skip
def test_a_folder_must_be_given_from_the_root(url: str) -> None:
    with pytest.raises(SettingsError, match="STORAGE_URL"):
        open_storage(url)


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"cannot create .*: Not a directory"):
        open_storage(f"file://{tmp_path}/file/objects")


def test_a_folders_name_may_hold_anything_when_percent_encoded(tmp_path: Path) -> None:
    open_storage(f"file://{tmp_path}/deep/a%20b%23%3F%25").put("key", b"bytes")
    assert (tmp_path / "deep" / "a b#?%" / "key").read_bytes() == b"bytes"


@pytest.mark.parametrize(
    "url",
    [
        f"s3://?{KEYS}",
        f"s3:///bucket?{KEYS}",
        f"s3://user:{SECRET_KEY}@bucket?{KEYS}",
        f"s3://bucket:9000?{KEYS}",
        f"s3://Bucket?{KEYS}",
        f"s3://[bucket?{KEYS}",
        f"s3://bucket/a//b?{KEYS}",
        f"s3://bucket?{KEYS}&acess_key={SECRET_KEY}",
        f"s3://bucket?{KEYS}&{SECRET_KEY}",
        f"s3://bucket?{KEYS}#{SECRET_KEY}",
        f"s3://bucket?{KEYS}&endpoint=127.0.0.1:9000",
        f"s3://bucket?{KEYS}&endpoint=ftp://127.0.0.1",
        f"s3://bucket?{KEYS}&endpoint=http://",
        f"s3://bucket?{KEYS}&endpoint=http://{ACCESS_KEY}:secret@host",
        f"s3://bucket?{KEYS}&path_style=perhaps",
        f"s3://bucket?{KEYS}&timeout=soon",
        f"s3://bucket?{KEYS}&timeout=0",
        f"s3://bucket?{KEYS}&region=<x>",
        f"s3://bucket?access_key={ACCESS_KEY}",
        f"s3://bucket?secret_key={SECRET_KEY}",
        "s3://bucket",
    ],
)
def test_an_unusable_s3_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        open_storage(url)
    assert refusal.value.detail.startswith("STORAGE_URL: ")
    shown = repr(refusal.value) + repr(refusal.value.__cause__)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    assert ACCESS_KEY not in shown
    assert SECRET_KEY not in shown


def test_without_keys_nobody_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with canned_s3(OK) as server:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", server.endpoint)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.endpoint)
        with pytest.raises(SettingsError, match="access_key"):
            open_storage(f"s3://bucket?endpoint={server.endpoint}")
    assert server.requests == []


def test_an_s3_address_shows_no_secret() -> None:
    shown = repr(parsed(f"?{KEYS}&session_token=tok3n"))
    assert "bucket" in shown
    assert not any(secret in shown for secret in (ACCESS_KEY, SECRET_KEY, "tok3n"))


def test_a_secret_key_is_read_as_it_was_pasted_or_percent_encoded() -> None:
    for written in ("a+b/c=", "a%2Bb%2Fc%3D"):
        assert parsed(f"?access_key=k&secret_key={written}").keys.secret_key == "a+b/c="


def test_an_endpoint_means_path_style_unless_said_otherwise() -> None:
    minio = "endpoint=http://minio:9000/"
    assert parsed(f"?{KEYS}&{minio}").endpoint == "http://minio:9000"
    assert parsed(f"?{KEYS}&{minio}&path_style=false").endpoint == "http://bucket.minio:9000"
    aws = parsed(f"?{KEYS}&region=eu-west-1")
    assert (aws.endpoint, aws.path_style) == ("https://bucket.s3.eu-west-1.amazonaws.com", False)
    assert parsed(f"?{KEYS}&path_style=true").endpoint == "https://s3.us-east-1.amazonaws.com"


def test_keys_and_region_may_come_from_the_environment_that_is_handed_in() -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token", "AWS_DEFAULT_REGION": "eu-west-1",
    }  # fmt: skip
    address = parsed("", **environ)
    assert (address.keys.access_key, address.keys.secret_key) == ("key", "secret")
    assert (address.keys.session_token, address.region) == ("token", "eu-west-1")
    mine = parsed(f"?{KEYS}&region=us-west-2", **environ)
    assert (mine.keys.access_key, mine.keys.secret_key) == (ACCESS_KEY, SECRET_KEY)
    assert (mine.keys.session_token, mine.region) == (None, "us-west-2")


def test_the_processs_own_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """obstore reads AWS_… by itself; each of these would send the request astray or unsigned."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "another", "AWS_SECRET_ACCESS_KEY": "another",
        "AWS_SESSION_TOKEN": "another", "AWS_REGION": "another", "AWS_SKIP_SIGNATURE": "true",
        "AWS_UNSIGNED_PAYLOAD": "true", "AWS_S3_EXPRESS": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true", "AWS_PROXY_URL": "http://127.0.0.1:1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with canned_s3(OK) as server:
        open_storage(s3_storage_url(server.endpoint, "bucket")).put("key", b"")
    (request,) = server.requests
    assert request.startswith("PUT /bucket/key HTTP/1.1")
    assert f"Credential={ACCESS_KEY}/" in request
    assert "/us-east-1/s3/" in request
    assert "security-token" not in request
    assert "UNSIGNED-PAYLOAD" not in request
    assert "another" not in request


def test_a_deletion_is_the_plain_request_that_every_server_knows() -> None:
    with canned_s3(OK) as server:
        open_storage(s3_storage_url(server.endpoint, "bucket")).delete("key")
    assert server.requests[0].startswith("DELETE /bucket/key HTTP/1.1")


def test_a_session_token_is_sent() -> None:
    with canned_s3(OK) as server:
        url = s3_storage_url(server.endpoint, "bucket")
        open_storage(f"{url}&session_token=tok3n").put("key", b"")
    assert "x-amz-security-token: tok3n" in server.requests[0]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_ensure_creates_the_bucket_in_its_region(s3_server: str, region: str) -> None:
    bucket = f"created-in-{region}"
    url = s3_storage_url(s3_server, bucket).replace("us-east-1&", f"{region}&")
    store = open_storage(f"{url}&timeout=10")
    store.ensure()
    store.ensure()
    store.put("key", b"bytes")
    assert [found.key for found in store.list("")] == ["key"]
    with urlopen(f"{s3_server}/{bucket}?location", timeout=30) as answer:
        assert (region in answer.read().decode()) == (region != "us-east-1")


def test_stores_below_different_prefixes_do_not_see_each_other(s3_server: str) -> None:
    bucket = new_bucket(s3_server)
    _, _, query = s3_storage_url(s3_server, bucket).partition("?")
    whole, one, other = (
        open_storage(f"s3://{bucket}{prefix}?{query}&timeout=10") for prefix in ("", "/a/b/", "/c")
    )
    one.ensure()
    one.put("key", b"bytes")
    assert [found.key for found in one.list("")] == ["key"]
    assert list(other.list("")) == []
    assert [found.key for found in whole.list("")] == ["a/b/key"]
