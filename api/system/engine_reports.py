"""The reports of the running engines: the tasks that they serve and their models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from common.database.session import Sessions, read
from common.fresh import Fresh
from common.model_reference import reference_of
from common.running_engines import engine_reports

VALID = 1.0  # seconds for which reports are cached


def running_engines(sessions: Sessions) -> list[dict[str, Any]]:
    """Return the reports of the running engines."""
    return read(sessions, engine_reports)


@dataclass(frozen=True, slots=True)
class ReportedModels:
    """The models of the running engines: each task's default, and by task and reference."""

    default: dict[str, dict[str, Any] | None]
    named: dict[str, dict[str, Any]]


class RunningModels:
    """The models of each task, read from the database at most once in VALID seconds."""

    def __init__(self) -> None:
        self._reports = Fresh[ReportedModels](VALID)

    def answering(
        self, session: Session, task: str, reference: str | None = None
    ) -> dict[str, Any] | None:
        """Return the task's model with this reference (name@version), or its default model; None if
        no running engine has one, or if the engines differ.

        Reads in the caller's session, because a second connection could exhaust the pool.
        """
        models = self._read(session)
        return models.named.get(task, {}).get(reference) if reference else models.default.get(task)

    def named(self, session: Session, task: str) -> Mapping[str, Any] | None:
        """Return the models that a request may select, by reference; None without an engine."""
        return self._read(session).named.get(task)

    def _read(self, session: Session) -> ReportedModels:
        return self._reports.get(lambda: _reported_models(engine_reports(session)))


def _reported_models(reports: Sequence[Mapping[str, Any]]) -> ReportedModels:
    return ReportedModels(_models_of(reports), _named_in(reports))


def installed(reports: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield (task, model, whether it is the default) for each model of each engine."""
    for report in reports:
        for task, status in report.items():
            current = status["model"]
            # A captioning provider is a model without a file, which requests cannot select.
            for model in status.get("models") or ([current] if current else []):
                yield task, model, model == current


def models_in(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each installed model once, by task and name; `default`: of at least one engine."""
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
    """Return models by task and reference; None for one that differs between engines."""
    found: dict[str, dict[str, Any]] = {task: {} for report in reports for task in report}
    for report in reports:
        for task, status in report.items():
            for model in status.get("models", ()):
                reference = reference_of(model)
                is_same = found[task].get(reference, model) == model
                found[task][reference] = model if is_same else None
    return found
