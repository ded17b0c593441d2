"""Connections to webhook receivers: only to the checked addresses, and limited in time.

A name is resolved once, and all of its addresses must be permitted. The connection goes to a
checked address, so a name that resolves differently later has no effect. The Host header and TLS
use the name. There are no proxies, and redirects are not followed.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore

from common.webhooks.addresses import Address, Network, is_allowed, is_permitted

Resolve = Callable[..., Iterable[tuple[Any, ...]]]  # as socket.getaddrinfo
PIECE = 16 * 1024  # bytes written between two checks of the time


class Unresolved(httpcore.ConnectError):
    """The host has no address."""


class Forbidden(httpcore.ConnectError):
    """Webhooks must not be sent to one of the host's addresses."""


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects for one attempt, which ends at `end` (of `time.monotonic`) at the latest."""

    def __init__(
        self,
        allowed: Sequence[Network],
        connect: float,
        end: float,
        resolve: Resolve,
        *,
        is_plain: bool = False,
    ):
        """`is_plain`: without TLS, which is only permitted in the `allowed` networks."""
        self._allowed = allowed
        self._is_reachable = is_allowed if is_plain else is_permitted
        self._connect = connect
        self._end = end
        self._resolve = resolve
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a stream to the first of the host's addresses that answers; each address gets an
        equal share of the time.
        """
        addresses = self._permitted(host, port)
        end = min(self._end, time.monotonic() + self._connect)
        for number, address in enumerate(addresses):
            share = _left(end, httpcore.ConnectTimeout) / (len(addresses) - number)
            try:
                stream = self._inner.connect_tcp(str(address), port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses) - 1:
                    raise
            else:
                return BoundedStream(stream, self._end)
        raise Unresolved("no address")

    def _permitted(self, host: str, port: int) -> list[Address]:
        try:
            found = self._resolve(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(ip_address(each[4][0]) for each in found))
        except (OSError, ValueError) as error:  # UnicodeError, of odd names, is a ValueError
            raise Unresolved("no address") from error
        if not all(self._is_reachable(address, self._allowed) for address in addresses):
            raise Forbidden("not permitted")
        return addresses


class BoundedStream(httpcore.NetworkStream):
    """A stream whose reads and writes end with the attempt, however slowly data arrives."""

    def __init__(self, inner: httpcore.NetworkStream, end: float):
        self._inner = inner
        self._end = end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return received data, at most `max_bytes`."""
        return self._inner.read(max_bytes, _left(self._end, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of the data."""
        for start in range(0, len(buffer), PIECE):
            left = _left(self._end, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + PIECE], left)

    def close(self) -> None:
        """Close the stream."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return a TLS stream; `server_hostname` is the URL's host, not the address."""
        left = _left(self._end, httpcore.ConnectTimeout)
        return BoundedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._end)

    def get_extra_info(self, info: str) -> Any:
        """Return information about the underlying stream."""
        return self._inner.get_extra_info(info)


def _left(end: float, error: type[Exception]) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise error("the attempt timed out")
    return left
