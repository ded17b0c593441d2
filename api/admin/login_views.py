"""/admin/login and /admin/logout: start and end an admin session."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from api.admin import sessions
from api.admin.guard import check_token, token
from api.http.errors import status_and_headers
from api.login.service import log_in_with_password, read_form
from common.errors import AfterimageError

blueprint = Blueprint("admin_login", __name__, url_prefix="/admin")


@blueprint.get("/login")
def page() -> str:
    """Return the form."""
    return _form()


@blueprint.post("/login")
def log_in() -> Any:
    """Log in as `POST /token` does, with the same throttle, and redirect to the overview."""
    sent = read_form(request)
    check_token(MultiDict(sent))
    try:
        found = log_in_with_password(
            sent.get("username", ""), sent.get("password", ""), sessions.LONGEST
        )
    except AfterimageError as error:
        status, headers = status_and_headers(error)
        return _form(error.detail, sent.get("username", "")), status, headers
    sessions.begin(found)
    return redirect(url_for("admin.index"), 303)


@blueprint.post("/logout")
def log_out() -> Response:
    """End the session."""
    check_token(request.form)
    sessions.end()
    return redirect(url_for("admin_login.page"), 303)


def _form(refusal: str = "", name: str = "") -> str:
    return render_template("admin/login.html", token=token, refusal=refusal, name=name)
