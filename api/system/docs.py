"""/docs: the OpenAPI page, with everything it loads from this server."""

from importlib.resources import files

from flask import Blueprint, Response, render_template, send_from_directory

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
@blueprint.get("/docs/")
@blueprint.get("/doc")
@blueprint.get("/doc/")
def page() -> str:
    """Swagger UI over /openapi.json."""
    return render_template("docs.html")


@blueprint.get("/docs/assets/<path:name>")
def asset(name: str) -> Response:
    """Swagger UI's own files, as the package brings them."""
    vendor = files("swagger_ui_bundle") / "vendor"
    folder = next(each for each in vendor.iterdir() if each.name.startswith("swagger-ui"))
    return send_from_directory(str(folder), name, max_age=86_400)
