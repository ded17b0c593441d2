"""/gallery: everyone's posts as a page."""

from flask import Blueprint, render_template

blueprint = Blueprint("gallery", __name__)


@blueprint.get("/gallery")
@blueprint.get("/gallery/")
def page() -> str:
    """The page's frame; its script fetches the posts, as any other program does."""
    return render_template("gallery.html")
