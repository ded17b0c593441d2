"""/docs: Swagger UI, with all of its files from this server."""

from importlib.resources import files

from flask import Blueprint, Response, render_template, send_from_directory

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
@blueprint.get("/docs/")
@blueprint.get("/doc")
@blueprint.get("/doc/")
def page() -> str:
    """Return the page that shows /openapi.json."""
    return render_template("docs.html")


@blueprint.get("/docs/assets/<path:name>")
def asset(name: str) -> Response:
    """Return a file of Swagger UI from its package."""
    vendor = files("swagger_ui_bundle") / "vendor"
    folder = next(each for each in vendor.iterdir() if each.name.startswith("swagger-ui"))
    return send_from_directory(str(folder), name, max_age=86_400)
