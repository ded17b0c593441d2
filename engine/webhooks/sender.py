"""Send one message to one receiver, and return the outcome."""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import httpcore
import httpx

from common.webhooks.addresses import Network
from engine.webhooks.network import Forbidden, GuardedNetwork, Resolve, Unresolved
from engine.webhooks.schedule import Timing

MOST_READ = 64 * 1024  # bytes of a response's body, which is ignored
DELIVERED, GONE, FAILED = "delivered", "gone", "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The receiver's status code; None without a response, with the reason in `error`."""

    status: int | None
    error: str = ""

    @property
    def outcome(self) -> str:
        """Whether the message was delivered, the receiver wants no more, or the message must be
        sent again.
        """
        if self.status is not None and 200 <= self.status < 300:
            return DELIVERED
        return GONE if self.status == HTTPStatus.GONE else FAILED


class Sender:
    """Posts messages; thread-safe."""

    def __init__(
        self,
        timing: Timing,
        allowed: Sequence[Network],
        resolve: Resolve = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
    ):
        self._timing = timing
        self._allowed = allowed
        self._resolve = resolve
        self._tls = tls or _trusting_known_authorities()

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """POST `body` to `url` on a connection of its own; takes at most `timing.whole` seconds."""
        end = time.monotonic() + self._timing.whole
        parsed = httpx.URL(url)
        network = GuardedNetwork(
            self._allowed,
            self._timing.connect,
            end,
            self._resolve,
            is_plain=parsed.scheme == "http",
        )
        target = httpcore.URL(
            scheme=parsed.raw_scheme,
            host=parsed.raw_host,
            port=parsed.port,
            target=parsed.raw_path,
        )
        own = {"Host": parsed.netloc.decode("ascii"), "Connection": "close"}
        try:
            with (
                httpcore.ConnectionPool(self._tls, network_backend=network) as pool,
                pool.stream(
                    "POST", target, headers=list((headers | own).items()), content=body
                ) as answer,
            ):
                _read_some(answer)
                return Answer(answer.status)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Answer(None, _in_words(error))


def _trusting_known_authorities() -> ssl.SSLContext:
    """Return a context that trusts Mozilla's list and the authorities that the administrator added
    (SSL_CERT_FILE).
    """
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


def _read_some(answer: httpcore.Response) -> None:
    """Read the beginning of the body, so that a receiver is not cut off in the middle of a short
    response. Errors are ignored, because the status is known already.
    """
    seen = 0
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for chunk in answer.iter_stream():
            seen += len(chunk)
            if seen >= MOST_READ:
                return


def _in_words(error: Exception) -> str:
    """Return the reason without addresses, because callers can read it."""
    match error:
        case Forbidden():
            return "the host's address is not a public one"
        case Unresolved():
            return "the host's name cannot be resolved"
        case httpcore.ConnectTimeout():
            return "no connection in time"
        case httpcore.TimeoutException():
            return "no answer in time"
        case httpcore.ProtocolError():
            return "the answer is not HTTP"
        # Not `__cause__`: the pool raises the error again `from None`.
        case _ if isinstance(error.__context__, ssl.SSLError):
            return f"TLS: {error.__context__.reason or 'failed'}"
        case httpcore.ConnectError():
            return "no connection"
    return "the connection broke"
