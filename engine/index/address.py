"""Convert INDEX_URL to LanceDB's form, without importing LanceDB."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from common.adapter_schemes import open_by_scheme
from common.errors import SettingsError, Unavailable
from common.storage.promises import check_promises
from common.storage.s3_address import parse_s3_url

log = structlog.get_logger(__name__)
SETTING = "INDEX_URL"
ADAPTERS = {"file": f"{__name__}:folder", "s3": f"{__name__}:bucket"}

Address = tuple[str, dict[str, str]]  # URI, and LanceDB's storage options


def parse_index_url(url: str) -> Address:
    """Return the address of a folder, or of an S3 bucket whose server supports conditional writes.
    Raises SettingsError.
    """
    address: Address = open_by_scheme(url, ADAPTERS, os.environ, setting=SETTING)
    return address


def check_index_store(url: str) -> None:
    """If the index is in a bucket, test with a few small requests what LanceDB relies on.

    Raises SettingsError if the server fails the test, StorageUnavailable if it does not answer.
    """
    if urlsplit(url).scheme == "s3":
        check_promises(url, os.environ, SETTING)


def refuse_unfit_store(url: str) -> None:
    """Raise SettingsError at the start of a process for a bucket that cannot hold the index.

    A server that does not answer yet does not prevent the start; it is tested again before its
    first use.
    """
    try:
        check_index_store(url)
    except Unavailable as error:
        log.warning("index store not checked yet", error=error.detail)


def folder(url: str, _environ: Mapping[str, str]) -> Address:
    """`file:///absolute/folder`."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc or not path.is_absolute():
        raise SettingsError("INDEX_URL must have the form file:///absolute/folder")
    return str(path), {}


def bucket(url: str, environ: Mapping[str, str]) -> Address:
    """`s3://bucket/prefix?endpoint=…&region=…&access_key=…&secret_key=…`."""
    try:
        address = parse_s3_url(url, environ)
    except SettingsError as error:
        raise SettingsError(error.detail.replace("STORAGE_URL", "INDEX_URL")) from None
    options = {
        "endpoint": address.endpoint,
        "region": address.region,
        "access_key_id": address.keys.access_key,
        "secret_access_key": address.keys.secret_key,
        "virtual_hosted_style_request": str(not address.path_style).lower(),
        "allow_http": str(address.endpoint.startswith("http://")).lower(),
        "timeout": f"{address.timeout:g}s",
    }
    if address.keys.session_token:
        options["session_token"] = address.keys.session_token
    return f"s3://{address.bucket}/{address.prefix}".rstrip("/"), options
