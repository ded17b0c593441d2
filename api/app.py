"""The Flask application: blueprints, errors and headers around a set of services."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from flask import Flask, request

from api import admin, auth, cors, documentation, errors, headers, limits, preconditions, proxies
from api.charsets import check_query
from api.context import EXTENSION, Edge
from api.echo import Echo
from api.meter import Meter
from api.newcomers import Newcomers
from api.people import tokens
from api.predecessors import classifier, inference, outline
from api.predecessors import counter as old_counter
from api.predecessors import feedback as old_feedback
from api.predecessors import search as sticker_search
from api.queues import Queues
from api.readiness import Readiness
from api.routes import (
    analytics,
    batches,
    catalogue,
    counter,
    docs,
    feedback,
    follows,
    gallery,
    images,
    keys,
    metrics,
    posts,
    predictions,
    search,
    share_links,
    shared,
    signing_in,
    status,
    users,
    webhooks,
)
from api.rows import look_at_all
from api.turns import Turns
from api.waiting import Waiting
from common.announcer import Announcer
from common.drift.watching import Drift
from common.logs import configure, count_lost_lines
from common.metrics.standing import Standing
from common.services import Services, open_services
from common.settings import Settings
from common.surroundings import be_private

CLOSE = "afterimage-close"


def create_app(services: Services) -> Flask:
    """The application on `services`. Close what it runs with `close(app)`."""
    app = Flask("api", template_folder="web/templates", static_folder="web/static")
    _configure(app, services.settings)
    look = partial(look_at_all, services.sessions)
    announcer = Announcer(services.broker, services.sessions)
    echo = Echo(announcer.broadcast)
    turns = Turns(services.settings.max_waiting, services.settings.max_polls)
    waiting = Waiting(services.broker, look, turns, services.metrics, echo)
    readiness = Readiness(services, echo)
    queues = Queues(services.sessions, services.settings.queue_promise)
    measured = (
        Standing(services.sessions, services.settings),
        Drift(services.sessions, services.settings),
    )
    newcomers = Newcomers(services.sessions)
    meter = Meter(services.sessions)
    edge = Edge(services, announcer, waiting, queues, newcomers, readiness, measured, meter)
    app.extensions[EXTENSION] = edge
    app.extensions[CLOSE] = edge.close
    app.before_request(headers.take_request_id)
    proxies.register(app, services.settings)
    cors.register(app, services.settings)
    limits.register(app, services.settings, auth.identify)
    app.before_request(lambda: check_query(request))
    preconditions.register(app)
    app.after_request(headers.finish)
    errors.register(app)
    _register_routes(app)
    admin.register(app, services.settings)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    documentation.configure(app)
    # base64 is 4/3 of the bytes, and lines and JSON around it need some room.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes * 3 // 2 + 64 * 1024
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # it works by redirect, and a redirected POST loses its body
    tokens.configure(app, settings)


def _register_routes(app: Flask) -> None:
    api = errors.ProblemApi(app)
    documentation.register_tasks(api)
    for each in (
        images,
        predictions,
        batches,
        search,
        webhooks,
        users,
        signing_in,
        keys,
        feedback,
        analytics,
        counter,
        catalogue,
        status,
        posts,
        follows,
        share_links,
        shared,
    ):
        api.register_blueprint(each.blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(gallery.blueprint)
    app.register_blueprint(metrics.blueprint)
    for predecessor in (
        inference,
        outline,
        classifier,
        sticker_search,
        old_feedback,
        old_counter,
    ):
        app.register_blueprint(predecessor.blueprint)


def close(app: Flask) -> None:
    """Stop what the application runs; call it once, when no request is served any more."""
    stop: Callable[[], None] = app.extensions[CLOSE]
    stop()


def from_env() -> Flask:
    """The application for Gunicorn, built in the worker: `gunicorn 'api.app:from_env()'`."""
    settings = Settings.from_env(os.environ)
    be_private()
    configure(settings.log_level, settings.log_format, settings.sentry_dsn)
    with ExitStack() as stack:
        services = stack.enter_context(open_services(settings, serves_callers=True))
        count_lost_lines(services.metrics.log_lines_lost[()])
        app = create_app(services)
        stack.callback(app.extensions[CLOSE])
        app.extensions[CLOSE] = stack.pop_all().close
    return app
