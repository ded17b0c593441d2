"""Webhooks as the tests meet them: a receiver that behaves as it is told, and rows that owe."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from standardwebhooks import Webhook

from common.database.session import Sessions, now, read, transact
from common.tables import WebhookDelivery
from common.webhooks import deliveries
from common.webhooks.deliveries import Due
from common.webhooks.slots import Slots
from tests.support.rows.prediction_steps import rewrite, success, take, write

LEASE = 30
LOOPBACK = (ip_network("127.0.0.0/8"),)
Behaviour = Callable[["Receiver"], None]


@dataclass
class Received:
    """One POST as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        """The message's id."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The payload, checked as receivers do; raises when the signature is not by `secret`."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Sink:
    """A receiver: what it is to do next, what it does otherwise, and what it got so far."""

    url: str = ""
    port: int = 0
    script: list[Behaviour] = field(default_factory=list)
    otherwise: dict[str, Behaviour] = field(default_factory=dict)  # by path
    got: list[Received] = field(default_factory=list)
    sent: int = 0  # bytes of an endless answer
    at_once: int = 0
    most_at_once: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, path: str = "") -> list[str]:
        """The ids of the messages that came to `path`, or to any."""
        with self.lock:
            return [each.id for each in self.got if path in ("", each.path)]


class Receiver(BaseHTTPRequestHandler):
    """Takes any POST."""

    sink: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sink = self.sink
        headers = {name.lower(): value for name, value in self.headers.items()}
        with sink.lock:
            sink.got.append(Received(self.path, headers, body, time.monotonic()))
            sink.at_once += 1
            sink.most_at_once = max(sink.most_at_once, sink.at_once)
            default = sink.otherwise.get(self.path, answer(204))
            behaviour = sink.script.pop(0) if sink.script else default
        try:
            behaviour(self)
        except OSError:
            pass  # the sender has gone
        finally:
            with sink.lock:
                sink.at_once -= 1

    def log_message(self, *_: object) -> None:
        """Quiet."""


def answer(status: int, **headers: str) -> Behaviour:
    """An answer without a body."""

    def behave(receiver: Receiver) -> None:
        receiver.send_response(status)
        for name, value in headers.items():
            receiver.send_header(name, value)
        receiver.send_header("Content-Length", "0")
        receiver.end_headers()

    return behave


def hang(receiver: Receiver) -> None:
    """No answer."""
    receiver.sink.released.wait(60)


def slowly(seconds: float) -> Behaviour:
    """An answer after a while."""

    def behave(receiver: Receiver) -> None:
        receiver.sink.released.wait(seconds)
        answer(204)(receiver)

    return behave


def reset(receiver: Receiver) -> None:
    """The connection is torn down instead of answered."""
    now_and_hard = struct.pack("ii", 1, 0)
    receiver.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now_and_hard)
    receiver.rfile.close()  # it holds the socket open
    receiver.connection.close()


def endless_body(receiver: Receiver) -> None:
    """200 and more bytes than anybody wants."""
    receiver.send_response(200)
    receiver.end_headers()
    while not receiver.sink.released.is_set():
        receiver.wfile.write(bytes(65536))
        receiver.sink.sent += 65536


def drip(receiver: Receiver) -> None:
    """Headers byte by byte, for ever: each read brings something."""
    receiver.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not receiver.sink.released.wait(0.1):
        receiver.wfile.write(b"x")


def nonsense(receiver: Receiver) -> None:
    """What is not HTTP."""
    receiver.wfile.write(b"220 mail.example ESMTP\r\n")


class Server(ThreadingHTTPServer):
    """Many may call at once; that callers leave in the middle is nothing to speak of."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def sinking(address: str = "127.0.0.1", tls: Any = None) -> Iterator[Sink]:
    """A receiver on a free port of `address`."""
    sink = Sink()
    handler = type("SinkReceiver", (Receiver,), {"sink": sink})
    with Server((address, 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        sink.port = server.server_port
        sink.url = f"http{'s' if tls else ''}://{address}:{sink.port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield sink
        finally:
            sink.released.set()
            server.shutdown()
            thread.join()


def finished(
    sessions: Sessions,
    ask: Any,
    url: str | None,
    count: int = 1,
    secret: str | None = None,
    owner: UUID | None = None,
) -> list[UUID]:
    """Predictions that have just succeeded and want `url` to be told."""
    ids: list[UUID] = ask(count)
    rewrite(sessions, ids, webhook_url=url, webhook_secret=secret, owner_id=owner)
    for start in range(0, count, 50):
        write(sessions, *map(success, take(sessions, ids[start : start + 50]).jobs))
    return ids


def delivery(sessions: Sessions, id: UUID) -> WebhookDelivery | None:
    """The delivery row of a prediction."""
    return read(sessions, lambda session: session.get(WebhookDelivery, id))


def owed(sessions: Sessions, id: UUID) -> WebhookDelivery:
    """The delivery row of a prediction that must have one."""
    found = delivery(sessions, id)
    assert found is not None
    return found


def states(sessions: Sessions, ids: list[UUID]) -> list[str]:
    """The states of deliveries, in the order of `ids`."""
    wanted = select(WebhookDelivery.prediction_id, WebhookDelivery.state)
    rows = read(sessions, lambda session: session.execute(wanted).all())
    found = {row.prediction_id: row.state for row in rows}
    return [found[id] for id in ids]


def make_due(sessions: Sessions, ids: list[UUID], ago: float = 0) -> None:
    """Move time: their next attempt is due."""
    rows = update(WebhookDelivery).where(WebhookDelivery.prediction_id.in_(ids))
    transact(sessions, lambda session: session.execute(rows.values(next_attempt_at=now(-ago))))


def claimed(sessions: Sessions, most: int = 100, **busy: int) -> list[Due]:
    def claim(session: Any) -> list[Due]:
        slots = Slots(per_host=2, per_account=most, anonymous=most, hosts=busy)
        return deliveries.claim_due(session, most, slots, LEASE)

    return transact(sessions, claim)


def deliver(sessions: Sessions) -> None:
    """Take the one that is due, and note that it was delivered."""
    [due] = claimed(sessions)
    assert transact(sessions, lambda session: deliveries.note_delivered(session, due, 204))
