"""Parse and check an `s3://` STORAGE_URL, without obstore."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from common.errors import SettingsError

PARAMETERS = (
    "endpoint", "region", "access_key", "secret_key", "session_token", "path_style", "timeout",
)  # fmt: skip

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class S3Keys:
    """The keys that sign requests; the repr does not show them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket, its server, and how to access it.

    endpoint: the server's address in path style, else the bucket's own (virtual-hosted style).
    timeout: seconds for one request, from connecting to the last byte of the response.
    """

    bucket: str
    prefix: str
    endpoint: str
    path_style: bool
    region: str
    timeout: float
    keys: S3Keys


def parse_s3_url(url: str, environ: Mapping[str, str]) -> S3Address:
    """Parse `s3://bucket/prefix?endpoint=…&region=…&access_key=…&secret_key=…`.

    Without `endpoint` the server is AWS; missing keys or region are read from `environ` (AWS_…).
    Raises SettingsError, which never contains the given values, because they may be secret.
    """
    bucket, prefix, query = _split(url)
    path_style = _boolean(query, "path_style", default="endpoint" in query)
    region = _region(query, environ)
    return S3Address(
        bucket=bucket,
        prefix=prefix,
        endpoint=_endpoint(query.get("endpoint"), region, "" if path_style else bucket),
        path_style=path_style,
        region=region,
        timeout=_seconds(query.get("timeout", "2.5")),
        keys=_keys(query, environ),
    )


def _check(condition: object, fault: str) -> None:
    if not condition:
        raise SettingsError(f"STORAGE_URL: {fault}")


def _split(url: str) -> tuple[str, str, dict[str, str]]:
    """Return bucket, prefix and parameters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingsError("STORAGE_URL: not a URL") from None
    bucket, prefix = parts.netloc, unquote(parts.path).strip("/")
    _check(
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket), "a bucket name must follow s3://"
    )
    _check(
        not re.search(r"//|[\x00-\x1f]", prefix),
        "the prefix must not contain empty names or control characters",
    )
    _check(not parts.fragment, "write # in a value as %23")
    return bucket, prefix, _query(parts.query)


def _query(text: str) -> dict[str, str]:
    """Return the parameters. `+` is not decoded, because secret keys contain it and no value
    contains a space.
    """
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    query = {name: unquote(value) for name, _, value in pairs}
    _check(
        query.keys() <= set(PARAMETERS),
        f"unknown parameter; known are {', '.join(PARAMETERS)} (write & in a value as %26)",
    )
    return {name: value for name, value in query.items() if value}


def _boolean(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = _BOOLEANS.get(query[name].lower()) if name in query else default
    if value is None:
        raise SettingsError(f"STORAGE_URL: {name} must be true or false")
    return value


def _region(query: Mapping[str, str], environ: Mapping[str, str]) -> str:
    given = query.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    region = given or "us-east-1"
    _check(re.fullmatch(r"[A-Za-z0-9-]+", region), "region must be letters, digits and hyphens")
    return region


def _endpoint(given: str | None, region: str, bucket: str) -> str:
    """Return the address of requests; with `bucket`, that becomes the first part of the
    host name.
    """
    endpoint = urlsplit(given or f"https://s3.{region}.amazonaws.com")
    plain = not (endpoint.query or endpoint.fragment or "@" in endpoint.netloc)
    _check(
        endpoint.scheme in ("http", "https") and endpoint.hostname and plain,
        "endpoint must have the form http://host:port or https://host:port",
    )
    host = f"{bucket}.{endpoint.netloc}" if bucket else endpoint.netloc
    return f"{endpoint.scheme}://{host}{endpoint.path.rstrip('/')}"


def _seconds(text: str) -> float:
    _check(re.fullmatch(r"\d{1,3}(\.\d+)?", text), "timeout must be a number of seconds")
    _check(float(text) > 0, "timeout must be more than 0 seconds")
    return float(text)


def _keys(query: Mapping[str, str], environ: Mapping[str, str]) -> S3Keys:
    """Return the URL's keys, else the environment's, whose session token belongs to its
    access key.
    """
    access_key = query.get("access_key") or environ.get("AWS_ACCESS_KEY_ID")
    secret_key = query.get("secret_key") or environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        raise SettingsError(
            "STORAGE_URL: s3 needs access_key and secret_key, or AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY in the environment; the cloud's metadata service is not used"
        )
    inherited = None if "access_key" in query else environ.get("AWS_SESSION_TOKEN")
    return S3Keys(access_key, secret_key, query.get("session_token") or inherited)
