"""Test what a bucket must do for the search index, and what some S3-compatible servers do not do.

LanceDB commits a version by a conditional write, finds the newest one by a sorted listing, and
reads parts of files. A server that ignores one of these loses data without an error.
"""

import secrets
from collections.abc import Mapping

import obstore
from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError
from obstore.store import S3Store

from common.errors import SettingsError
from common.storage.adapter import FAULTS, unavailable
from common.storage.s3 import open_store
from common.storage.s3_address import parse_s3_url

FOLDER = ".probe-"
FIRST, SECOND = b"first write", b"second write"
REFUSED = (AlreadyExistsError, PreconditionError)


def check_promises(url: str, environ: Mapping[str, str], setting: str) -> None:
    """Test conditional writes, partial reads, sorted listings and deletions in a bucket, with seven
    small requests, and remove the test objects.

    Raises SettingsError if the server does one of them wrong, StorageUnavailable if it does not
    answer or rejects the keys.
    """
    store = open_store(parse_s3_url(url, environ))
    prefix = FOLDER + secrets.token_hex(8)
    keys = [f"{prefix}/{name}" for name in ("a", "b")]
    try:
        _check_conditional_write(store, keys[0], setting)
        _check_partial_read(store, keys[0], setting)
        obstore.put(store, keys[1], FIRST, use_multipart=False)
        _check_listing(store, prefix, keys, setting)
    except FAULTS as error:
        raise unavailable("could not be tried", error) from None
    finally:
        _remove(store, keys)


def _check_conditional_write(store: S3Store, key: str, setting: str) -> None:
    """The second `If-None-Match: *` must be refused and change nothing."""
    try:
        obstore.put(store, key, FIRST, mode="create", use_multipart=False)
    except FAULTS as error:
        if _is_unsupported(error):
            raise _refusal(setting, "answers conditional writes with 501 Not Implemented") from None
        raise
    try:
        obstore.put(store, key, SECOND, mode="create", use_multipart=False)
    except REFUSED:
        pass
    else:
        raise _refusal(setting, "ignores the condition of a conditional write")
    if obstore.get(store, key).bytes().to_bytes() != FIRST:
        raise _refusal(setting, "carries out a conditional write that it refuses")


def _check_partial_read(store: S3Store, key: str, setting: str) -> None:
    try:
        part = obstore.get_range(store, key, start=2, length=3).to_bytes()
    except FAULTS:
        part = b""
    if part != FIRST[2:5]:
        raise _refusal(setting, "does not read a part of an object (Range)")


def _check_listing(store: S3Store, prefix: str, keys: list[str], setting: str) -> None:
    """Check that new objects are listed in the order of their keys, with their sizes."""
    entries = [each for page in obstore.list(store, prefix) for each in page]
    if [(each["path"], each["size"]) for each in entries] != [(key, len(FIRST)) for key in keys]:
        raise _refusal(setting, "does not list, in order, what was just written")


def _is_unsupported(error: Exception) -> bool:
    text = str(error)
    is_501 = "status code: 501" in text or "501 Not Implemented" in text
    return isinstance(error, NotSupportedError | NotImplementedError) or is_501


def _refusal(setting: str, what: str) -> SettingsError:
    return SettingsError(
        f"{setting}: the S3 server {what}, and the search index would lose images. Use a server "
        "with conditional writes (If-None-Match: *), such as AWS S3, MinIO or Ceph 19, or a folder."
    )


def _remove(store: S3Store, keys: list[str]) -> None:
    """Remove the test objects if possible; at most 22 bytes are left behind."""
    for key in keys:
        try:
            obstore.delete(store, key)
        except FAULTS:
            return
