"""What the running engines report of themselves: which tasks they serve, with which models."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.session import Sessions, now, read
from common.tables import EngineProcess

RECENT = 10  # seconds without a heartbeat after which an engine does not count any more
RUNNING = select(EngineProcess.report).where(EngineProcess.seen_at > now(-RECENT))
VALID = 1.0  # seconds that the reports are not read again


def running_engines(sessions: Sessions) -> list[dict[str, Any]]:
    """The reports of the engines that are running now."""
    return read(sessions, lambda session: list(session.scalars(RUNNING)))


class RunningModels:
    """The models by which each task is answered, read once in VALID seconds at most."""

    def __init__(self) -> None:
        self._models: dict[str, dict[str, Any] | None] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self._read_at = float("-inf")

    def answering(
        self, session: Session, task: str, reference: str | None = None
    ) -> dict[str, Any] | None:
        """The model of this reference, by default that of all running engines; None when there is
        none, or when they differ.

        It reads in the caller's session: a second connection would be one that others wait for.
        """
        self._look(session)
        return self._named.get(task, {}).get(reference) if reference else self._models.get(task)

    def named(self, session: Session, task: str) -> Mapping[str, Any] | None:
        """The models that a request may name, by reference; None when no engine serves the task."""
        self._look(session)
        return self._named.get(task)

    def _look(self, session: Session) -> None:
        if time.monotonic() - self._read_at > VALID:
            reports = list(session.scalars(RUNNING))
            self._models, self._named = _models_of(reports), _named_in(reports)
            self._read_at = time.monotonic()


def installed(reports: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """(task, model, whether it is a default) of each model that an engine has."""
    for report in reports:
        for task, status in report.items():
            current = status["model"]
            # What answers need not be a file: the captioner has nothing that could be named.
            for model in status.get("models") or ([current] if current else []):
                yield task, model, model == current


def models_in(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each model that an engine has, once, by task and name; `default`: it is some engine's."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for task, model, is_default in installed(reports):
        item = found.setdefault(
            (task, model["name"], model["version"], model.get("sha256", "")),
            {"task": task, **model, "default": False},
        )
        item["default"] |= is_default
    return [found[key] for key in sorted(found)]


def _models_of(reports: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any] | None]:
    found: dict[str, dict[str, Any] | None] = {}
    for report in reports:
        for task, status in report.items():
            if model := status["model"]:
                found[task] = model if found.get(task, model) == model else None
    return found


def _named_in(reports: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By task, then by reference; None for a model that is not the same in all engines."""
    found: dict[str, dict[str, Any]] = {task: {} for report in reports for task in report}
    for report in reports:
        for task, status in report.items():
            for model in status.get("models", ()):
                reference = f"{model['name']}@{model['version']}"
                is_same = found[task].get(reference, model) == model
                found[task][reference] = model if is_same else None
    return found
