"""The child's end of the channel, which its publishers, consumers and subscriptions share."""

import itertools
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common.broker.inherited.channel import Channel
from common.threads import lasting_thread

PATIENCE = 5.0  # seconds in which the parent must answer


@dataclass(frozen=True, slots=True)
class Listener:
    """Called with what the parent sends under one number, and when the parent is gone."""

    on_value: Callable[[Any], None]
    on_end: Callable[[], None] = lambda: None


class Link:
    """Sends frames to the parent, and passes received values on by their number."""

    def __init__(self, end: socket.socket):
        self._channel = Channel(end)
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._listeners: dict[int, Listener] = {}
        self._has_ended = False
        self._reader = lasting_thread("broker-reader", self._read)
        self._reader.start()

    def listen(self, listener: Listener) -> int:
        """Return a new number, whose values go to `listener` until `forget`."""
        number = next(self._numbers)
        with self._lock:
            self._listeners[number] = listener
            has_ended = self._has_ended
        if has_ended:
            listener.on_end()
        return number

    def forget(self, number: int) -> None:
        """Ignore further values of this number."""
        with self._lock:
            self._listeners.pop(number, None)

    def send(self, *frame: Any) -> None:
        """Send a frame to the parent, or drop it if the parent is gone."""
        with self._sending:
            if self._has_ended:
                return
            try:
                self._channel.send(frame)
            except OSError:
                self._channel.end()

    def ask(self, purpose: str, *values: Any) -> Any:
        """Send a frame and return the parent's answer; None if it does not answer in time."""
        answers: list[Any] = []
        done = threading.Event()

        def take(value: Any) -> None:
            answers.append(value)
            done.set()

        number = self.listen(Listener(take, done.set))
        self.send(purpose, number, *values)
        done.wait(PATIENCE)
        self.forget(number)
        return answers[0] if answers else None

    def close(self) -> None:
        """End the connection; the parent then closes everything that was opened over it."""
        self._channel.end()
        self._reader.join(timeout=3)
        with self._sending:
            self._channel.close()

    def _read(self) -> None:
        try:
            while True:
                number, value = self._channel.receive()
                with self._lock:
                    listener = self._listeners.get(number)
                if listener:
                    listener.on_value(value)
        except OSError:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._has_ended = True
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener.on_end()
