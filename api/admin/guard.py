"""Access control of the admin pages, and the CSRF tokens of their forms."""

from typing import Any

from flask import Response, g, redirect, render_template, request, url_for
from flask_admin.form import SecureForm
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from api.admin import sessions
from common.errors import Malformed

# Scripts and styles are files of this server; none is inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class ForAdmins:
    """A Flask-Admin view whose pages and forms are available to admins only."""

    def _handle_view(self, _name: str, **_options: Any) -> Any:
        """Return None to admit the request, or the response that replaces the view's."""
        return refusal()

    def render(self, template: str, **about: Any) -> str:
        """Return the page with its CSRF token and the name of the admin."""
        about |= {"token": token, "admin": g.caller.name}
        page: str = super().render(template, **about)  # type: ignore[misc]
        return page


def refusal() -> AnyResponse | None:
    """Return None for an admin and make them the caller; else a redirect or a 403.

    Raises Malformed for a form without a valid CSRF token.
    """
    if (caller := sessions.caller()) is None:
        return redirect(url_for("admin_login.page"))
    if not caller.is_admin:
        return Response(render_template("admin/refused.html", name=caller.name, token=token), 403)
    g.caller = caller
    if request.method == "POST":
        check_token(request.form)
    return None


def token() -> Any:
    """Return the hidden CSRF field of a form."""
    return SecureForm().csrf_token


def check_token(form: MultiDict[str, str]) -> None:
    """Raises Malformed unless the form carries the session's token, half an hour old at most."""
    if not SecureForm(form).validate():
        detail = (
            "The form belongs to another session or is over half an hour old. "
            "Reload the page and send it again."
        )
        raise Malformed(detail, code="csrf_token_invalid")


def finish(response: Response) -> Response:
    """Forbid inline scripts and caching on the pages of /admin."""
    if sessions.is_admins(request.path) and response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
    return response
