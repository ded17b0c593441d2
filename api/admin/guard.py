"""Who may see the admin pages, and what proves that a form is one of theirs."""

from typing import Any

from flask import Response, g, redirect, render_template, request, url_for
from flask_admin.form import SecureForm
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from api.admin import sessions
from common.errors import Malformed

# Everything is a file of ours; not a script, not a style stands in a page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class ForAdmins:
    """A view of Flask-Admin's that is for admins alone, each of its pages and each of its forms."""

    def _handle_view(self, _name: str, **_options: Any) -> Any:
        """Asked by Flask-Admin before each request: None, or the answer instead of the view's."""
        return turned_away()

    def render(self, template: str, **about: Any) -> str:
        """The page, with what it needs to carry forms and a menu."""
        about |= {"token": token, "admin": g.caller.name}
        page: str = super().render(template, **about)  # type: ignore[misc]
        return page


def turned_away() -> AnyResponse | None:
    """None for an admin, who asks from now on; else what they are answered instead.

    Raises Malformed for a form that is none of ours.
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
    """The hidden field that each form carries: no other site knows what is in it."""
    return SecureForm().csrf_token


def check_token(form: MultiDict[str, str]) -> None:
    """Raises Malformed unless the form carries the session's token, half an hour old at most."""
    if not SecureForm(form).validate():
        detail = "The form is none of this session's, or too old: load the page again."
        raise Malformed(detail, code="csrf_token_invalid")


def finish(response: Response) -> Response:
    """Let the pages of /admin run nothing and be kept by nobody."""
    if sessions.is_admins(request.path) and response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
    return response
