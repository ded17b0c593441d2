"""Crash points by name: `python -m tests.faults.crashing POINT[:NTH] engine|api|standalone`.

Starts the ordinary program, whose process ends at once with 137 when it comes to POINT for the
NTH time; POINT `none` is the ordinary program that only knows the poison below. In the
environment, CRASH_FIRED names a file that is created then, and while it exists nothing crashes
any more (the API's arbiter starts a new worker); CRASH_HOW=freeze stops the process (SIGSTOP)
instead of ending it; SLOW_WORK (seconds) makes every run of a model so much slower.

No program of ours knows of any of this: the functions that come before and after a point are
wrapped here, before the program is imported.
"""

import importlib
import itertools
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

from engine.child import supervisor

POISON = b"an image that aborts the process which decodes it"
CODE = 137
API_POINTS = {
    "before-put": "bytes read, before the object is put",
    "before-commit": "object put, before COMMIT",
    "after-commit": "COMMIT, before the 202",
    "before-publish": "COMMIT, before publish",
    "after-publish": "publish, before the confirm is noted",
}
ENGINE_POINTS = {
    "before-claim": "delivery, before claim",
    "after-claim": "claim, before result",
    "before-result": "result written, before its COMMIT",
    "before-ack": "result COMMIT, before ack",
}
WEBHOOK_POINT = "after-webhook"  # webhook sent, before COMMIT
POINTS = {*API_POINTS, *ENGINE_POINTS, WEBHOOK_POINT}
STEP = "tests-step"  # where a session keeps which step its transaction is


class Trap:
    """Fires when its point is reached for the nth time, once over all processes."""

    def __init__(self, wanted: str, fired: str, freeze: bool):
        self._point, _, nth = wanted.partition(":")
        self._nth = int(nth or 1)
        self._fired = fired
        self._freeze = freeze
        self._count = itertools.count(1)
        self._lock = threading.Lock()

    def reach(self, point: str) -> None:
        """A process comes by at `point`."""
        if point != self._point:
            return
        with self._lock:
            if next(self._count) >= self._nth and self._is_first():
                self._fire()

    def _is_first(self) -> bool:
        try:
            Path(self._fired).open("x").close()
        except FileExistsError:
            return False
        return True

    def _fire(self) -> None:
        if self._freeze:
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.5)  # another thread may take the signal: this one must not go on meanwhile
        else:
            os._exit(CODE)


def install() -> Trap:
    """Wrap what comes before and after the points, as the environment says."""
    environ = os.environ
    trap = Trap(
        environ.get("CRASH_AT", "none"),
        environ.get("CRASH_FIRED") or f"/tmp/fired-{os.getpid()}",
        environ.get("CRASH_HOW") == "freeze",
    )
    for module, kind in (("adapter", "ObstoreStorage"), ("folder", "FolderStorage")):
        _wrap(f"common.storage.{module}", f"{kind}.put", before=lambda: trap.reach("before-put"))
    for publisher in ("amqp.publisher:AmqpPublisher", "memory:MemoryPublisher"):
        module, _, name = publisher.partition(":")
        _wrap(
            f"common.broker.{module}",
            f"{name}.publish",
            before=lambda: trap.reach("before-publish"),
            after=lambda: trap.reach("after-publish"),
        )
    _install_in_transactions(trap)
    # The engine that standalone starts crashes like any other.
    supervisor.COMMAND[2:] = [
        "tests.faults.crashing",
        environ.get("CRASH_AT", "none"),
        "engine.child",
    ]
    return trap


def _install_in_transactions(trap: Trap) -> None:
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    points = {"create": ("before-commit", "after-commit"), "claim": ("", "after-claim")}
    points["create_all"] = points["create"]
    points["finish"] = ("before-result", "before-ack")
    for step in points:
        _mark(step, trap)

    def come_by(session: Session, side: int) -> None:
        if step := session.info.get(STEP):
            trap.reach(points[step][side])

    event.listen(Session, "before_commit", lambda session: come_by(session, 0))
    event.listen(Session, "after_commit", lambda session: come_by(session, 1))


def _mark(step: str, trap: Trap) -> None:
    """Let the transactions that call this function of `common.predictions` be known by it."""
    module = importlib.import_module("common.predictions")
    original = getattr(module, step)

    @wraps(original)
    def marked(session: Any, *arguments: Any, **options: Any) -> Any:
        if step == "claim":
            trap.reach("before-claim")
        session.info[STEP] = step
        return original(session, *arguments, **options)

    setattr(module, step, marked)


def _nothing() -> None:
    pass


def _wrap(
    module: str,
    name: str,
    before: Callable[[], None] = _nothing,
    after: Callable[[], None] = _nothing,
) -> None:
    """Call `before` and `after` around a method, given as `Class.method`."""
    kind = getattr(importlib.import_module(module), name.partition(".")[0])
    method = name.partition(".")[2]
    original = getattr(kind, method)

    @wraps(original)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        before()
        result = original(*arguments, **options)
        after()
        return result

    setattr(kind, method, wrapped)


def install_in_engine(trap: Trap) -> None:
    """The webhooks' point; make the classifier die of the poison, and slower as SLOW_WORK says."""
    from engine.tasks.classify import ClassifyRunner

    pause = float(os.environ.get("SLOW_WORK") or 0)
    prepare = ClassifyRunner.prepare

    def poisonous(self: ClassifyRunner, data: bytes, params: dict[str, Any]) -> Any:
        if POISON in data:
            os.abort()
        return prepare(self, data, params)

    ClassifyRunner.prepare = poisonous  # type: ignore[method-assign, assignment]
    _wrap("engine.tasks.classify", "ClassifyRunner.run", before=lambda: time.sleep(pause))
    sent = partial(trap.reach, WEBHOOK_POINT)
    _wrap("engine.webhooks.sender", "Sender.send", after=sent)


def main() -> None:
    """Become the program."""
    point, program, *arguments = sys.argv[1:]
    if point.partition(":")[0] not in {"none"} | POINTS:
        sys.exit(f"no such point; there are: {', '.join(sorted(POINTS))}")
    os.environ["CRASH_AT"] = point
    if program in ("engine", "engine.child"):
        install_in_engine(install())
        sys.argv[1:] = arguments
        runpy.run_module(program, run_name="__main__")
    else:
        application = {"api": "api.app", "standalone": "standalone"}[program] + ":from_env()"
        conf = ["-c", "python:tests.faults.crashing_conf", "--workers", "1"]
        command = [sys.executable, "-m", "gunicorn", *conf, *arguments, application]
        os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
