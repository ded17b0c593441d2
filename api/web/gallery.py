"""/gallery: the page that shows all posts."""

from flask import Blueprint, render_template

blueprint = Blueprint("gallery", __name__)


@blueprint.get("/gallery")
@blueprint.get("/gallery/")
def page() -> str:
    """Return the page; its script fetches the posts through the public API."""
    return render_template("gallery.html")
