"""The parent's side of the engine's process: start it, watch it, start it again, stop it."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, nullcontext

import structlog

from common.broker import Broker
from common.broker.inherited.server import BrokerServer
from common.broker.memory import MemoryBroker
from common.errors import SettingsError, Unavailable
from common.observability import multiprocess
from common.threads import lasting_thread
from engine.child import ACCEPTED, BROKER_OPTION

log = structlog.get_logger(__name__)
Child = subprocess.Popen[str]
COMMAND = [sys.executable, "-m", "engine.child"]
FIRST_PAUSE = 0.2  # seconds before an engine that ended is started again; doubled each time
LONGEST_PAUSE = 10.0
STEADY = 30.0  # seconds of work after which the pause is FIRST_PAUSE again
UNPREPARED_PAUSE = 2.0  # seconds between two attempts to prepare
CHECK_SECONDS = 15.0  # for the engine to check its settings
STOP_SECONDS = 30.0  # longer than the engine takes to finish its batches


class EngineProcess:
    """The engine in a child process, from `start` to `stop`. If it ends, it is started again.

    A broker in memory is shared with it. The child keeps the descriptors `kept` open, so that a
    lock on one of them is held until both processes have ended.
    """

    def __init__(self, broker: Broker, prepare: Callable[[], object], kept: Sequence[int] = ()):
        """Call `prepare` once before the engine starts, and again while it raises Unavailable."""
        self._broker = broker
        self._prepare = prepare
        self._kept = kept
        self._lock = threading.Lock()  # guards the start of a process against `stop`
        self._stop = threading.Event()
        self._process: Child | None = None
        self._is_checked = threading.Event()
        self._refusal = ""
        # Linux ends the child together with the thread that has started it.
        self._thread = lasting_thread("engine-process", self._run, self._stop)

    def start(self) -> None:
        """Start the engine in the background, as soon as `prepare` has succeeded."""
        self._thread.start()

    def require_settings(self) -> None:
        """Wait until the engine has checked the settings; raises SettingsError if it cannot use
        them. Returns as well if it could not be started yet.
        """
        self._is_checked.wait(CHECK_SECONDS)
        if self._refusal:
            raise SettingsError(self._refusal)

    def stop(self) -> None:
        """Let the engine finish its batches, and wait until it has ended."""
        with self._lock:
            self._stop.set()
            if self._process:
                self._process.terminate()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive() and self._process:
            log.error("the engine did not stop in time; it is killed")
            self._process.kill()
            self._thread.join()

    def _run(self) -> None:
        self._prepare_until_done()
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            began = time.monotonic()
            how = self._run_once()
            if time.monotonic() - began > STEADY:
                pause = FIRST_PAUSE
            if not self._stop.is_set():
                problem = {"problem": self._refusal} if self._refusal else {}
                log.error("the engine ended; it is started again", how=how, pause=pause, **problem)
            self._stop.wait(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _prepare_until_done(self) -> None:
        while not self._stop.is_set():
            try:
                self._prepare()
                return
            except Exception as error:
                self._is_checked.set()  # the API does not wait for this
                if not isinstance(error, Unavailable):
                    raise
                log.warning("the engine waits for the database", error=error.detail)
                self._stop.wait(UNPREPARED_PAUSE)

    def _run_once(self) -> str:
        """Run a child to its end, and return how it ended."""
        with ExitStack() as stack:
            try:
                process = self._started(self._shared_broker(stack))
            except OSError as error:
                return f"it could not be started: {error}"
            if process is None:
                return "it was not started"
            with process:
                self._hear(process)
                code = process.wait()
        multiprocess.forget(process.pid)
        return f"exit status {code}" if code >= 0 else signal.Signals(-code).name

    def _shared_broker(self, stack: ExitStack) -> socket.socket | None:
        """Return a socket over which the child uses a broker in memory; None for another broker,
        which it reaches by itself.
        """
        if not isinstance(self._broker, MemoryBroker):
            return None
        mine, theirs = socket.socketpair()
        stack.enter_context(closing(BrokerServer(self._broker, mine)))
        return theirs

    def _started(self, broker: socket.socket | None) -> Child | None:
        """Start the child in a process group of its own, where Ctrl-C does not reach it before the
        API has ended; None once `stop` was called. Closes the socket here.
        """
        with self._lock, broker or nullcontext():
            if self._stop.is_set():
                return None
            shared = [broker.fileno()] if broker else []
            self._process = subprocess.Popen(
                [*COMMAND, *(f"{BROKER_OPTION}={each}" for each in shared)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=[*self._kept, *shared],
                process_group=0,
            )
            return self._process

    def _hear(self, process: Child) -> None:
        """Wait until the child has checked the settings, or has ended."""
        assert process.stdout
        line = process.stdout.readline().strip()
        self._refusal = "" if line == ACCEPTED else line
        self._is_checked.set()
