"""Steps of the tests of RETENTION_DAYS, on the application in the test's own process."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from common.database.session import Sessions, read
from common.predictions import Failure, Success
from common.services import Services
from common.tables import Prediction
from engine.old_results import remove_images, remove_predictions
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import ask, upload
from tests.support.http.posts import FOUND
from tests.support.rows.prediction_steps import MODEL, take, write


def with_days(services: Services, days: int | None) -> Services:
    return replace(services, settings=replace(services.settings, retention_days=days))


def finish(sessions: Sessions, *predictions: Any) -> list[UUID]:
    jobs = take(sessions, [UUID(each["id"]) for each in predictions]).jobs
    return write(sessions, *(Success(job, FOUND.get(job.task, {}), MODEL, {}) for job in jobs))


def fail(sessions: Sessions, prediction: Any) -> None:
    [job] = take(sessions, [UUID(prediction["id"])]).jobs
    write(sessions, Failure(job, "image_broken", "It is broken."))


def classified(app: Flask, sessions: Sessions, who: Account | None, **options: Any) -> Any:
    image = upload(app, who, query="tasks=classify", **options)
    finish(sessions, *image["predictions"])
    return image


def asked(app: Flask, sessions: Sessions, who: Account | None, image: Any, **fields: Any) -> str:
    prediction = ask(app, who, image["id"], fresh=True, **fields)
    finish(sessions, prediction)
    return str(prediction["id"])


def remaining(sessions: Sessions, of: Any = Prediction.id) -> set[str]:
    rows = select(of).where(of.class_.task != "index") if of.class_ is Prediction else select(of)
    return {str(id) for id in read(sessions, lambda session: session.scalars(rows).all())}


def run(services: Services) -> tuple[int, int]:
    """The numbers of rows that the two jobs delete."""
    return remove_images(services), remove_predictions(services)
