"""Parsers of settings: each converts a variable's text to a value of `Settings`, and raises
ValueError with the expected form if it is invalid.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
ON, OFF = {"on", "true", "yes", "1"}, {"off", "false", "no", "0"}


class Allowance(NamedTuple):
    """A limit within a period of `seconds`."""

    limit: int
    seconds: int


def whole(text: str) -> int:
    """A whole number, such as `10000` or `10_000`."""
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number, such as 10000 or 10_000") from None


def decimal(text: str) -> float:
    """A number, such as `30` or `0.15`."""
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number, such as 30 or 0.15") from None


def count(text: str) -> int:
    """A whole number of at least 1, such as `10000` or `10_000`."""
    number = whole(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def non_negative(text: str) -> int:
    """A whole number of at least 0."""
    number = whole(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def seconds_below(limit: float) -> Callable[[str], float]:
    """Return a parser of seconds above 0, up to `limit`."""

    def parse(text: str) -> float:
        if not 0 < (seconds := decimal(text)) <= limit:
            raise ValueError(f"must be above 0 and at most {limit:g}")
        return seconds

    return parse


def dollars(text: str) -> float | None:
    """An amount of US dollars; None for an empty text."""
    amount = decimal(text or "nan")
    if text and not 0 <= amount < float("inf"):
        raise ValueError("must be an amount of US dollars")
    return amount if text else None


def price(text: str) -> tuple[float, float] | None:
    """`0.15,0.60`: the prices of a million input tokens and of a million output tokens."""
    amounts = [dollars(part.strip()) for part in text.split(",")] if text else []
    if text and (len(amounts) != 2 or None in amounts):
        raise ValueError("must be two amounts, like 0.15,0.60")
    return (amounts[0] or 0.0, amounts[1] or 0.0) if amounts else None


def seconds_or_none(text: str) -> float | None:
    """Whole seconds, at least 1; None for an empty text."""
    return float(count(text)) if text else None


def days_or_none(text: str) -> int | None:
    """Whole days, 1 to 36,500; None for `off` and an empty text."""
    if text.lower() in ("", "off"):
        return None
    if (days := count(text)) > 36_500:
        raise ValueError("must be at most 36500")
    return days


def folder(text: str) -> Path:
    """An absolute path; `~` is the home folder."""
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, OSError) as error:  # `~name` of an unknown user, links in a circle
        raise ValueError(str(error)) from error


def mirror(text: str) -> str:
    """A folder or an http(s) URL; empty: download from the catalogue's sources."""
    return text if not text or "://" in text else str(folder(text))


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a parser of one of these words, in upper or lower case."""

    def parse(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text.lower()

    return parse


def address_or_none(text: str) -> tuple[str, int] | None:
    """`port` on loopback, or `host:port`; None for an empty text."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be a port, or host:port")
    return host.strip("[]") or "127.0.0.1", int(port)


def switch(text: str) -> bool:
    """`on` or `off`, or another usual word for them (true, yes, 1; false, no, 0), in any case."""
    word = text.lower()
    if word not in ON | OFF:
        raise ValueError("must be on or off")
    return word in ON


def days_or_interval(text: str) -> int | tuple[date, date]:
    """A number of days, or the first and last day of an interval, as in ISO 8601."""
    if "/" not in text:
        return count(text)
    first, last = (date.fromisoformat(part.strip()) for part in text.split("/", 1))
    if first > last:
        raise ValueError("must begin before it ends")
    return first, last


def allowance(text: str) -> Allowance | None:
    """`100/minute`; None for `off` and an empty text."""
    if text.lower() in ("", "off"):
        return None
    limit, _, period = text.partition("/")
    name = period.strip().lower().removesuffix("s")
    if name not in PERIODS:
        periods = ", ".join(PERIODS)
        raise ValueError(f"must be off, or a number per {periods}, such as 100/minute")
    return Allowance(count(limit), PERIODS[name])


class PredictionQuota(NamedTuple):
    """Units of work of an anonymous caller's network and of an account; None: unlimited."""

    anonymous: Allowance | None
    account: Allowance | None

    @property
    def is_guard(self) -> bool:
        """Whether it only guards against abuse by anonymous callers."""
        return self.account is None


def prediction_quota(text: str) -> PredictionQuota:
    """`1000/hour` for all callers, `anonymous:1000/hour` for anonymous ones, both, or `off`."""
    if text.lower() == "off":
        return PredictionQuota(None, None)
    by_prefix: dict[str, Allowance | None] = {}
    for part in text.split(","):
        prefix, colon, value = part.strip().rpartition(":")
        if (prefix, colon) not in (("", ""), ("anonymous", ":")) or prefix in by_prefix:
            raise ValueError("must be like 1000/hour, anonymous:1000/hour, both of them, or off")
        by_prefix[prefix] = allowance(value.strip())
    account = by_prefix.get("")
    return PredictionQuota(by_prefix.get("anonymous", account), account)


def percentage(text: str) -> float:
    """A percentage above 0 and at most 100, as a fraction of 1."""
    if not 0 < (number := decimal(text)) <= 100:
        raise ValueError("must be above 0 and at most 100")
    return number / 100


def origins(text: str) -> tuple[str, ...]:
    """Origins (RFC 6454) as browsers send them, separated by commas; or `*` alone."""
    listed = _comma_separated(text)
    for origin in listed if listed != ("*",) else ():
        parts = urlsplit(origin)
        if f"{parts.scheme}://{parts.netloc}" != origin or parts.scheme not in ("http", "https"):
            raise ValueError("must be origins such as https://a.example, without a path, or *")
    return listed


def host_names(text: str) -> tuple[str, ...]:
    """Host names separated by commas; `.a.example` includes all its subdomains, `*` all names."""
    names = _comma_separated(text)
    if any(set(name) & set("/:@ ") for name in names):
        raise ValueError("must be host names such as photos.example, without scheme and port")
    return names


def provider_names(text: str) -> tuple[str, ...]:
    """Names of onnxruntime's execution providers separated by commas, with or without
    `ExecutionProvider` at the end; upper and lower case are distinct.
    """
    names = (part.strip().removesuffix("ExecutionProvider") for part in text.split(","))
    listed = tuple(dict.fromkeys(name for name in names if name))
    if not listed or not all(name.isalnum() for name in listed):
        raise ValueError("must be names of execution providers such as CUDA,CPU")
    return listed


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def base_url(text: str) -> str:
    """An http(s) URL with or without a path; or an empty text."""
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must begin with http:// or https:// and a host")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or a fragment")
    _ = parts.port  # raises ValueError if it is out of range
    return text.rstrip("/")
