"""Posts: what is sent, and how they are shown."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import url_for
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import Row

from api.http.fields import Lines, Text
from api.http.pagination_schemas import NEXT, PageQuery
from api.images.schemas import ImageFields
from api.predictions.schemas import PredictionView
from api.predictions.schemas import view as prediction_view
from common.callers import Caller
from common.predictions import PredictionRecord
from common.schemas import RequestSchema
from common.social.posts import LONGEST_TEXT

WINDOW = re.compile("([1-9][0-9]{0,3})([hd])")
UNITS = {"h": "hours", "d": "days"}


class PostText(Lines):
    """What is said of an image."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options,
            validate=validate.Length(1, LONGEST_TEXT),
            metadata={"description": "Plain text; line ends are kept.", "example": "My cat."},
        )


class PostRequest(ImageFields):
    """An image that comes along, or one of the caller's that is stored; and a text, if any."""

    text = PostText(load_default="")
    image_id = fields.UUID(metadata={"description": "An image of yours; or send one along."})


class PostChange(RequestSchema):
    """What of a post may be changed."""

    text = PostText(required=True)


class Window(fields.Field[timedelta]):
    """How far back, in hours or days."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> timedelta:
        if not (found := WINDOW.fullmatch(str(value))):
            raise ValidationError("Hours or days, for example `24h` or `7d`.")
        return timedelta(**{UNITS[found[2]]: int(found[1])})


class PostsQuery(PageQuery):
    """Which posts, in which order."""

    sort = fields.String(
        load_default="newest",
        validate=validate.OneOf(["newest", "most_liked"]),
        metadata={"description": "Which come first."},
    )
    window = Window(
        load_default=None,
        metadata={
            "type": "string",
            "pattern": f"^{WINDOW.pattern}$",
            "description": "With `sort=most_liked`: only what was posted within that time, for "
            "example `24h` or `7d`.",
        },
    )
    user = Text(load_default=None, metadata={"description": "Only this user's, the newest first."})

    @validates_schema
    def fit_together(self, given: dict[str, Any], **_options: Any) -> None:
        """Each list is one along an index: not everything goes with everything."""
        is_ranked = given["sort"] == "most_liked"
        if given["window"] and not is_ranked:
            raise ValidationError("Goes with `sort=most_liked` alone.", "window")
        if given["user"] is not None and is_ranked:
            raise ValidationError("Goes with `sort=newest` alone.", "user")


class PostImage(Schema):
    """The image of a post. Width and height are those of the upright image."""

    id = fields.UUID()
    file_name = fields.String(metadata={"example": "cat.jpg"})
    width = fields.Integer()
    height = fields.Integer()
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class PostView(Schema):
    """A post as it stands."""

    id = fields.UUID()
    author = fields.String(metadata={"description": "The user's name.", "example": "anna"})
    text = fields.String(metadata={"description": "As written; escape it where you show it."})
    likes = fields.Integer()
    liked = fields.Boolean(metadata={"description": "Whether you like it."})
    created_at = fields.DateTime(format="iso")
    updated_at = fields.DateTime(format="iso")
    image = fields.Nested(PostImage)
    predictions = fields.List(
        fields.Nested(PredictionView),
        metadata={"description": "What its author asked of the image: labels and caption."},
    )
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class PostList(Schema):
    """A page of posts."""

    items = fields.List(fields.Nested(PostView))
    next = NEXT


def view(
    post: Row[Any], is_liked: bool, predictions: Sequence[PredictionRecord], caller: Caller
) -> dict[str, Any]:
    """What PostView shows to the caller."""
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


def _image(post: Row[Any]) -> dict[str, Any]:
    ways = ("get", "content", "thumbnail")
    return {
        "id": post.image_id,
        "file_name": post.file_name,
        "width": post.width,
        "height": post.height,
        "urls": {way: url_for(f"images.{way}", id=post.image_id, _external=True) for way in ways},
    }


def seen_in(shown: dict[str, Any]) -> dict[str, Any]:
    """Of a post as `view` shows it: what was found in its image, as far as it was."""
    results = {row["task"]: row["result"] for row in shown["predictions"] if row["result"]}
    return {
        "labels": results.get("classify", {}).get("labels", []),
        "caption": results.get("caption", {}).get("text"),
    }
