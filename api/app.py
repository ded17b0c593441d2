"""Create the Flask application: blueprints, error handlers and headers around the services."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from flask import Flask, request

from api import admin
from api.accounts import routes as account_routes
from api.analytics import routes as analytics_routes
from api.api_keys import routes as api_key_routes
from api.batches import routes as batch_routes
from api.compat import classifier, counter, feedback, inference, outline, search
from api.feedback import routes as feedback_routes
from api.follows import routes as follow_routes
from api.http import auth, cors, errors, headers, openapi, preconditions, proxies
from api.http.body.charsets import check_query
from api.images import routes as image_routes
from api.limits import rate_limits
from api.limits.usage_meter import UsageMeter
from api.limits.wait_slots import WaitSlots
from api.login import routes as login_routes
from api.login import tokens
from api.posts import routes as post_routes
from api.predictions import routes as prediction_routes
from api.predictions.queries import read_records
from api.predictions.queue_estimates import QueueEstimates
from api.predictions.waiters import Waiters
from api.search import routes as search_routes
from api.share_links import routes as share_link_routes
from api.state import EXTENSION, AppState
from api.system import catalogue, digit_counter_routes, docs, metrics, status
from api.system.broker_probe import BrokerProbe
from api.system.readiness import Readiness
from api.uploads.group_commit import GroupCommit
from api.web import gallery
from api.webhooks import routes as webhook_routes
from common.announcer import Announcer
from common.languages.word_index import WordIndex
from common.observability.drift.metric import Drift
from common.observability.logs import configure, count_lost_lines
from common.observability.metrics.database_metrics import DatabaseMetrics
from common.services import Services, open_services
from common.settings import Settings
from common.startup_checks import restrict_new_files

CLOSE = "afterimage-close"


class Application(Flask):
    """Flask without asynchronous views, which it otherwise looks for at every call of a function:
    a dozen times a request.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return `func`, because no function of this application is asynchronous."""
        return func


def create_app(services: Services) -> Flask:
    """Create the application on `services`. `close(app)` stops what it runs."""
    app = create_routes(services.settings)
    start(app, services)
    return app


def create_routes(settings: Settings) -> Flask:
    """Create the application with its routes, hooks and pages. It serves requests after `start`."""
    app = Application("api", template_folder="web/templates", static_folder="web/static")
    _configure(app, settings)
    app.before_request(headers.start_request)
    proxies.register(app, settings)
    cors.register(app, settings)
    rate_limits.register(app, settings, auth.identify)
    app.before_request(lambda: check_query(request))
    preconditions.register(app)
    app.after_request(headers.finish_request)
    errors.register(app)
    _register_routes(app)
    admin.register(app, settings)
    return app


def start(app: Flask, services: Services) -> None:
    """Attach the services to the application and start its background work; `close` stops it."""
    look = partial(read_records, services.sessions)
    announcer = Announcer(services.broker, services.sessions)
    probe = BrokerProbe(announcer.broadcast)
    slots = WaitSlots(services.settings.max_waiting, services.settings.max_polls)
    waiters = Waiters(services.broker, look, slots, services.metrics, probe)
    readiness = Readiness(services, probe)
    queue_estimates = QueueEstimates(services.sessions, services.settings.queue_promise)
    collectors = (
        DatabaseMetrics(services.sessions, services.settings),
        Drift(services.sessions, services.settings),
    )
    group_commit = GroupCommit(services.sessions)
    usage_meter = UsageMeter(services.sessions)
    app_state = AppState(
        services,
        announcer,
        waiters,
        queue_estimates,
        group_commit,
        readiness,
        collectors,
        usage_meter,
        WordIndex(services.settings.model_dir),
    )
    app.extensions[EXTENSION] = app_state
    app.extensions[CLOSE] = app_state.close


def _configure(app: Flask, settings: Settings) -> None:
    openapi.configure(app)
    # Base64 takes 4/3 of the bytes; line breaks and the JSON around it take some more.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes * 3 // 2 + 64 * 1024
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # it redirects, and a redirected POST loses its body
    tokens.configure(app, settings)


def _register_routes(app: Flask) -> None:
    api = errors.ProblemApi(app)
    openapi.register_tasks(api)
    for each in (
        image_routes,
        prediction_routes,
        batch_routes,
        search_routes,
        webhook_routes,
        account_routes,
        login_routes,
        api_key_routes,
        feedback_routes,
        analytics_routes,
        digit_counter_routes,
        catalogue,
        status,
        post_routes,
        follow_routes,
        share_link_routes,
    ):
        api.register_blueprint(each.blueprint)
    api.register_blueprint(share_link_routes.shared_posts)
    for page in (docs, gallery, metrics):
        app.register_blueprint(page.blueprint)
    for old in (inference, outline, classifier, search, feedback, counter):
        app.register_blueprint(old.blueprint)


def close(app: Flask) -> None:
    """Stop what the application runs. Call it once, when it no longer serves requests."""
    stop: Callable[[], None] = app.extensions[CLOSE]
    stop()


def from_env() -> Flask:
    """Create the application for Gunicorn, in the worker: `gunicorn 'api.app:from_env()'`."""
    settings = Settings.from_env(os.environ)
    restrict_new_files()
    configure(settings.log_level, settings.log_format, settings.sentry_dsn)
    with ExitStack() as stack:
        services = stack.enter_context(open_services(settings, serves_callers=True))
        count_lost_lines(services.metrics.log_lines_lost[()])
        app = create_app(services)
        stack.callback(app.extensions[CLOSE])
        app.extensions[CLOSE] = stack.pop_all().close
    return app
