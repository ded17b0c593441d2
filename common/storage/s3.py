"""Objects in a bucket of any S3 server, for `s3://bucket/prefix?endpoint=…`.

A stored object is as durable as the server makes it. A request without a complete response in time
fails, and is not retried here.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import obstore
from obstore.store import S3Store

from common.storage.adapter import FAULTS, PROBE, ObstoreStorage, answer, probe, unavailable
from common.storage.s3_address import S3Address, S3Keys, parse_s3_url

if TYPE_CHECKING:
    from obstore.store import S3Credential  # a name for type checkers only

CONNECT_TIMEOUT = timedelta(seconds=2)

IDLE_CONNECTION = timedelta(seconds=4)
"""Less than servers keep idle connections (S3 5 to 20 s, SeaweedFS 10 s): without retries, a
connection that the server closes at the moment of its reuse would be a failed request."""

_LOCATION = (
    '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
)


class S3Storage(ObstoreStorage):
    """`Storage` in a bucket, below a prefix."""

    def __init__(self, address: S3Address) -> None:
        self._address = address
        self._bucket = _store(address, prefix=None)
        super().__init__(_store(address, prefix=address.prefix or None))

    def ensure(self) -> None:
        """Write and delete a test object; create the bucket if it is missing."""
        if not self._exists():
            self._create_bucket()
            self.put(PROBE, probe())
        self.delete(PROBE)

    def _exists(self) -> bool:
        """Return whether the bucket exists, by writing to it."""
        try:
            obstore.put(self._store, PROBE, probe(), use_multipart=False)
        except FileNotFoundError:
            return False
        except FAULTS as error:
            raise unavailable("cannot be written", error) from None
        return True

    def _still_there(self, error: FileNotFoundError) -> bool:
        return "NoSuchBucket" not in str(error)

    def _create_bucket(self) -> None:
        """PUT the bucket's URL, signed by obstore, which has no method for it.

        Not through an HTTP library that logs URLs, because this one contains the signature.
        """
        url = obstore.sign(self._bucket, "PUT", "", timedelta(minutes=1))
        region = self._address.region
        body = "" if region == "us-east-1" else _LOCATION.format(region)
        try:
            status, text = _put(url, body.encode(), self._address.timeout)
        except (OSError, HTTPException) as error:
            cause = error.reason if isinstance(error, URLError) else error
            raise unavailable("did not create its bucket", cause) from None
        # 409: another process was first, or the name is taken; the next put shows which.
        if status >= 300 and status != 409:
            raise unavailable("did not create its bucket", answer(status, text))


def open_s3(url: str, environ: Mapping[str, str]) -> S3Storage:
    """Return the storage of an `s3://` URL. Raises SettingsError."""
    return S3Storage(parse_s3_url(url, environ))


def open_store(address: S3Address) -> S3Store:
    """Return the obstore store below an address's prefix, for methods that `Storage` does
    not have.
    """
    return _store(address, prefix=address.prefix or None)


def _put(url: str, body: bytes, timeout: float) -> tuple[int, str]:
    """Return the status and the beginning of the response to a PUT; raises OSError and
    HTTPException.
    """
    request = Request(url, body, {"Content-Type": "application/xml"}, method="PUT")
    try:
        with urlopen(request, timeout=timeout) as response:
            return response.status, ""
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(4096).decode(errors="replace")


def _store(address: S3Address, prefix: str | None) -> S3Store:
    """Return a store that uses nothing from the process's environment.

    obstore reads every AWS_… variable first, so everything that determines where requests go and
    how they are signed is set here, the endpoint under both its names. A provider supplies the
    keys, which also keeps AWS_SESSION_TOKEN away from them, and them out of the store's `config`.
    """
    return S3Store(
        address.bucket,
        prefix=prefix,
        config={
            "endpoint": address.endpoint,
            "aws_endpoint_url_s3": address.endpoint,
            "region": address.region,
            "virtual_hosted_style_request": not address.path_style,
            "disable_bulk_delete": True,
            "skip_signature": False,
            "unsigned_payload": False,
            "s3_express": False,
        },
        client_options={
            "allow_http": address.endpoint.startswith("http://"),
            "connect_timeout": CONNECT_TIMEOUT,
            "timeout": timedelta(seconds=address.timeout),
            "pool_idle_timeout": IDLE_CONNECTION,
        },
        retry_config={"max_retries": 0},
        credential_provider=_provider(address.keys),
    )


def _provider(keys: S3Keys) -> "Callable[[], S3Credential]":
    """Return the function that obstore calls once for the keys of a store."""
    return lambda: {
        "access_key_id": keys.access_key,
        "secret_access_key": keys.secret_key,
        "token": keys.session_token,
        "expires_at": None,
    }
