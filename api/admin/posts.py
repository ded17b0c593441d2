"""The admin view of posts."""

from collections.abc import Iterable, Sequence

from flask_admin.actions import action
from sqlalchemy import select

from api.admin import formatters
from api.admin.search_filters import by_id, by_owner
from api.admin.table_views import Condition, RowsView
from api.posts import service
from common.tables import Post, User


class PostsView(RowsView):
    """The posts, newest first."""

    rows = row = select(
        Post.id, Post.owner_id, Post.image_id, Post.text, Post.likes, Post.created_at,
        Post.updated_at, User.name.label("author"),
    ).outerjoin(User, User.id == Post.owner_id)  # fmt: skip
    searched_by = "id, image's or author's id, or @author"
    column_list = ("image_id", "id", "author", "text", "likes", "created_at")
    column_details_list = ("id", "image_id", "author", "text", "likes", "created_at", "updated_at")
    column_labels = {"image_id": "Image", "id": "Post"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "id": formatters.link_to_row,
        "image_id": formatters.thumbnail,
        "author": formatters.user_link,
        "text": formatters.short,
    }
    column_formatters_detail = {  # noqa: RUF012
        "image_id": formatters.thumbnail,
        "author": formatters.user_link,
    }

    def __init__(self) -> None:
        super().__init__(Post, "Posts")

    def conditions(self, text: str) -> Iterable[Condition]:
        """Return conditions by id, image or author."""
        return by_id(text, Post.id, Post.image_id, Post.owner_id) or by_owner(text, Post.owner_id)

    @action("delete", "Delete", "Deleted posts cannot be restored. Delete them?")
    def delete(self, ids: Sequence[str]) -> None:
        """Delete the posts with their likes and share links."""
        self.each(ids, service.delete_post, "deleted")
