"""A TCP proxy that can be told to fail: late, cut short, reset, mute, not there.

It runs an asyncio loop in a thread. What a fault changes holds for connections that are open and
for those that come.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

LINGER_NOT = struct.pack("ii", 1, 0)  # close() sends a reset
CHUNK = 65536


@dataclass(slots=True)
class Fault:
    """What is wrong now; nothing by default.

    `latency` (seconds) delays every piece in both directions. `cut_after` (bytes) of the server's
    answers on one connection, then a clean end of it; `reset_after` the same with a reset.
    `mute` reads nothing any more, from either side.
    """

    latency: float = 0.0
    cut_after: int | None = None
    reset_after: int | None = None
    mute: bool = False


class Proxy:
    """Listens on `port` and passes on to `target` (a port of this machine) with the fault of now.

    `touched` counts the connections that a cut or a reset ended.
    """

    def __init__(self, target: int):
        self._target = target
        self.fault = Fault()
        self.connections = 0
        self.touched = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def listen(self) -> None:
        """Take connections, on the same port as before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def refuse(self) -> None:
        """Refuse connections and reset those that are open, until listen()."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self._loop).result(10)

    def reset(self) -> None:
        """Reset the connections that are open."""
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result(10)

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """This fault for a while; open connections are reset at its end, mute ones too."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = Fault()
            self.reset()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Refuse for a while."""
        self.refuse()
        try:
            yield
        finally:
            self.listen()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset()

    async def _reset(self) -> None:
        for writer in list(self._writers):
            _abort(writer)
        await asyncio.sleep(0)

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            self._writers.discard(writer)
            _abort(writer)
            return
        self._writers.add(back)
        # Whichever direction ends first ends the connection: our protocols close both ways at once.
        ways = [self._pass_on(reader, back, None), self._pass_on(there, writer, writer)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in (writer, back):
                self._writers.discard(one)
                one.close()

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter | None,
    ) -> None:
        """One direction; with `client` it is the server's, the one that is cut short."""
        passed = 0
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                while self.fault.mute:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(self.fault.latency)
                room = self._room(passed) if client is not None else None
                if room is not None and len(data) > room:
                    await self._break_off(sink, data[:room])
                    return
                passed += len(data)
                sink.write(data)
                await sink.drain()

    def _room(self, passed: int) -> int | None:
        """How many more bytes of the server's answer may pass."""
        limits = [n for n in (self.fault.cut_after, self.fault.reset_after) if n is not None]
        return max(0, min(limits) - passed) if limits else None

    async def _break_off(self, sink: asyncio.StreamWriter, rest: bytes) -> None:
        self.touched += 1
        sink.write(rest)
        await sink.drain()
        if self.fault.reset_after is not None:
            _abort(sink)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    writer.transport.abort()
