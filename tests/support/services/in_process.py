"""The application in the test's own process, on a real database, without an engine: what it has
accepted stays queued until the test takes the engine's steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from api.app import close, create_routes, start
from common.database.session import Sessions, read
from common.services import open_services
from common.settings import Settings

# Applications without services. Creating the routes takes longer than most tests.
_idle: list[Flask] = []


@contextmanager
def application(sessions: Sessions, folder: Path, **more: str) -> Iterator[Flask]:
    """The application on the database of `sessions`, its objects in `folder`, with `more` settings.

    Later tests get the same routes, so a test must not change them; it may change the
    configuration.
    """
    url = sessions.engine.url.render_as_string(hide_password=False)
    given = {"DATA_DIR": str(folder), "DATABASE_URL": url, "JWT_SECRET": "x" * 64} | more
    settings = Settings.from_env(given)
    with open_services(settings) as services:
        app = _idle.pop() if _idle else create_routes(settings)
        config = dict(app.config)
        start(app, services)
        try:
            yield app
        finally:
            close(app)
            app.config.clear()
            app.config.update(config)
            _idle.append(app)


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL that the application sends meanwhile, its background threads included."""
    sent: list[str] = []
    last: list[Any] = [None]

    def note(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        # On SQLite both engines are one, which tells both listeners.
        if cursor is not last[0]:
            sent.append(statement)
        last[0] = cursor

    sessions = app.extensions["afterimage"].services.sessions
    engines = [each.kw["bind"] for each in (sessions.write, sessions.read)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def send(
    app: Flask, path: str, data: Any = None, key: str | None = None, **options: Any
) -> TestResponse:
    """POST an image's bytes as they are, or what `options` say instead."""
    headers = {} if key is None else {"Idempotency-Key": key}
    given = {"data": data, "content_type": "image/png"} | options
    return app.test_client().post(path, headers=headers, **given)


@pytest.fixture
def app(sessions: Sessions, tmp_path: Path) -> Iterator[Flask]:
    with application(sessions, tmp_path / "one") as found:
        yield found


@pytest.fixture
def twin(sessions: Sessions, tmp_path: Path) -> Iterator[Flask]:
    """Another process's application, as far as the first one can tell."""
    with application(sessions, tmp_path / "one") as found:
        yield found


def count(sessions: Sessions, table: Any) -> int:
    rows = select(func.count()).select_from(table)
    return read(sessions, lambda session: session.scalar(rows)) or 0
