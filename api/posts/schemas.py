"""Request and response schemas of posts."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import url_for
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.http.fields import MultilineText, Text
from api.http.pagination_schemas import NEXT, PageQuery
from api.images.schemas import ImageFields
from api.predictions.schemas import PredictionView
from api.predictions.schemas import view as prediction_view
from common.callers import Caller
from common.predictions import PredictionRecord
from common.schemas import RequestSchema
from common.social.posts import LONGEST_TEXT
from common.social.projections import PostRecord

WINDOW = re.compile("([1-9][0-9]{0,3})([hd])")
UNITS = {"h": "hours", "d": "days"}


class PostText(MultilineText):
    """The text of a post."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options,
            validate=validate.Length(1, LONGEST_TEXT),
            metadata={"description": "Plain text. Line breaks are kept.", "example": "My cat."},
        )


class PostRequest(ImageFields):
    """An uploaded image, or the id of a stored image of the caller; and an optional text."""

    text = PostText(load_default="")
    image_id = fields.UUID(
        metadata={"description": "A stored image of yours, instead of an uploaded one."}
    )


class PostChange(RequestSchema):
    """The fields of a post that can be changed."""

    text = PostText(required=True)


class Window(fields.Field[timedelta]):
    """A period before now, in hours or days, such as `24h` or `7d`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> timedelta:
        if not (match := WINDOW.fullmatch(str(value))):
            raise ValidationError("Send a number of hours or days, such as `24h` or `7d`.")
        return timedelta(**{UNITS[match[2]]: int(match[1])})


class PostsQuery(PageQuery):
    """Which posts to list, and in which order."""

    sort = fields.String(
        load_default="newest",
        validate=validate.OneOf(["newest", "most_liked"]),
        metadata={"description": "The order of the posts."},
    )
    window = Window(
        load_default=None,
        metadata={
            "type": "string",
            "pattern": f"^{WINDOW.pattern}$",
            "description": "Only with `sort=most_liked`: list the posts of this period, such as "
            "`24h` or `7d`.",
        },
    )
    user = Text(
        load_default=None, metadata={"description": "List this user's posts only, newest first."}
    )

    @validates_schema
    def check_combination(self, given: dict[str, Any], **_options: Any) -> None:
        """Refuse combinations of filter and order that no index of the table serves."""
        is_ranked = given["sort"] == "most_liked"
        if given["window"] and not is_ranked:
            raise ValidationError("Send `window` only with `sort=most_liked`.", "window")
        if given["user"] is not None and is_ranked:
            raise ValidationError("Send `user` only with `sort=newest`.", "user")


class PostImage(Schema):
    """The image of a post. Width and height are in pixels, after EXIF rotation."""

    id = fields.UUID()
    file_name = fields.String(metadata={"example": "cat.jpg"})
    width = fields.Integer()
    height = fields.Integer()
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class PostView(Schema):
    """A post."""

    id = fields.UUID()
    author = fields.String(metadata={"description": "The name of the user.", "example": "anna"})
    text = fields.String(
        metadata={"description": "As its author wrote it. Escape it before you put it into HTML."}
    )
    likes = fields.Integer()
    liked = fields.Boolean(metadata={"description": "Whether you like it."})
    created_at = fields.DateTime(format="iso")
    updated_at = fields.DateTime(format="iso")
    image = fields.Nested(PostImage)
    predictions = fields.List(
        fields.Nested(PredictionView),
        metadata={"description": "The author's predictions of the image: labels and caption."},
    )
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class PostList(Schema):
    """A page of posts."""

    items = fields.List(fields.Nested(PostView))
    next = NEXT


def post_view(
    post: PostRecord, is_liked: bool, predictions: Sequence[PredictionRecord], caller: Caller
) -> dict[str, Any]:
    """Return the fields of PostView as `caller` may see them."""
    names = ("id", "author", "text", "likes", "created_at", "updated_at")
    return {
        **{name: getattr(post, name) for name in names},
        "liked": is_liked,
        "image": _image(post),
        "predictions": [prediction_view(row, caller) for row in predictions],
        "urls": {
            "get": url_for("posts.get", id=post.id, _external=True),
            "like": url_for("posts.like", id=post.id, _external=True),
        },
    }


def _image(post: PostRecord) -> dict[str, Any]:
    routes = ("get", "content", "thumbnail", "preview")
    return {
        "id": post.image_id,
        "file_name": post.file_name,
        "width": post.width,
        "height": post.height,
        "urls": {
            route: url_for(f"images.{route}", id=post.image_id, _external=True) for route in routes
        },
    }


def labels_and_caption(post: dict[str, Any]) -> dict[str, Any]:
    """Return the `labels` and the `caption` of a post as `post_view` returns it.

    Labels are an empty list, and the caption None, until their predictions have succeeded.
    """
    results = {row["task"]: row["result"] for row in post["predictions"] if row["result"]}
    return {
        "labels": results.get("classify", {}).get("labels", []),
        "caption": results.get("caption", {}).get("text"),
    }
