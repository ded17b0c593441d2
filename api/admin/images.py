"""The admin view of images."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, request
from flask_admin import expose
from flask_admin.actions import action
from sqlalchemy import select

from api.admin import formatters
from api.admin.search_filters import by_id, by_owner
from api.admin.table_views import Condition, RowsView
from api.images import service
from api.images.thumbnails import thumbnail_response
from api.predictions.queries import find_image
from common.tables import Image, StoredObject, User, Visibility

SIZE = 256  # pixels; sharp on any screen
DIGEST_DIGITS = 64


def _pixels(_view: Any, _context: Any, row: Any, _name: str) -> str:
    return f"{row.width} × {row.height}"


class ImagesView(RowsView):
    """The images, newest first."""

    rows = select(
        Image.id, Image.owner_id, Image.file_name, Image.width, Image.height, Image.visibility,
        Image.posts, Image.created_at, User.name.label("owner"),
    ).outerjoin(User, User.id == Image.owner_id)  # fmt: skip
    row = rows.add_columns(
        Image.sha256, StoredObject.media_type, StoredObject.size, StoredObject.state
    ).outerjoin(StoredObject, StoredObject.sha256 == Image.sha256)
    searched_by = "id, owner's id, sha256, whole file name, or @owner"
    column_list = ("id", "file_name", "owner", "width", "visibility", "posts", "created_at")
    column_details_list = ("id", "file_name", "owner", "width", "visibility", "posts", "sha256",
                           "media_type", "size", "state", "created_at")  # fmt: skip
    column_labels = {"id": "Image", "width": "Pixels", "state": "Object state", "sha256": "SHA-256"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "id": formatters.thumbnail,
        "owner": formatters.user_link,
        "width": _pixels,
        "visibility": formatters.badge,
        "file_name": formatters.link_to_row,
    }

    def __init__(self) -> None:
        super().__init__(Image, "Images")

    def conditions(self, text: str) -> Iterable[Condition]:
        """Return conditions by id, sha256, owner or file name."""
        if found := by_id(text, Image.id, Image.owner_id) or by_owner(text, Image.owner_id):
            return found
        name = Image.file_name == text
        try:
            digest = bytes.fromhex(text) if len(text) == DIGEST_DIGITS else b""
        except ValueError:
            return [name]
        return [Image.sha256 == digest, name] if digest else [name]

    @expose("/thumbnail/")
    def thumbnail(self) -> Response:
        """Return the thumbnail, here because the admin session is valid for /admin only."""
        image, _ = find_image(request.args.get("id", ""))
        return thumbnail_response(image, SIZE)

    @action("public", "Make public")
    def make_public(self, ids: Sequence[str]) -> None:
        """Make the images public."""
        self._show_to(ids, Visibility.PUBLIC)

    @action("unlisted", "Make unlisted")
    def make_unlisted(self, ids: Sequence[str]) -> None:
        """Make the images visible to callers who know the id."""
        self._show_to(ids, Visibility.UNLISTED)

    @action("private", "Make private")
    def make_private(self, ids: Sequence[str]) -> None:
        """Make the images visible to their owners only."""
        self._show_to(ids, Visibility.PRIVATE)

    def _show_to(self, ids: Sequence[str], to: Visibility) -> None:
        self.each(ids, lambda id: service.change(id, {"visibility": to}), f"made {to}")
