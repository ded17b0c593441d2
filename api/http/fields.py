"""Marshmallow fields that several resources share."""

import re
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from common.errors import InputFault
from common.images.validation import check_text
from common.tables import Visibility
from common.tasks import image_tasks

MAX_DEPTH = 8  # levels of nesting in metadata
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
MAX_ERRORS = 20  # invalid elements of a list that are reported
MAX_VALUES = 200  # values in metadata


class Text(fields.String):
    """A string of one line without control characters and lone surrogates."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        return _plain(text)


class MultilineText(fields.String):
    """As `Text`, but tabs and line breaks are allowed."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        return _plain(text, lines=True)


class BoundedList(fields.List[Any]):
    """A list whose length is checked first; at most MAX_ERRORS invalid elements are reported."""

    def __init__(self, inner: fields.Field[Any], *, limit: int, minimum: int = 0, **options: Any):
        self.limit = limit
        super().__init__(inner, validate=validate.Length(minimum or None, limit), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.limit:
            raise ValidationError(f"Send at most {self.limit:,} items; {len(value):,} were sent.")
        errors: dict[int, Any] = {}
        loaded = []
        for position, each in enumerate(value):
            try:
                loaded.append(self.inner.deserialize(each, **options))
            except ValidationError as error:
                errors[position] = error.messages
                if len(errors) == MAX_ERRORS:
                    break
        if errors:
            raise ValidationError(errors, valid_data=loaded)
        return loaded


class Attachment(fields.Dict):
    """A JSON object that is stored unread: at most MAX_VALUES values and MAX_DEPTH levels."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        loaded = super()._deserialize(value, attr, data, **options)  # type: ignore[no-untyped-call]
        _check_size(loaded)
        return loaded


class VisibilityField(Text):
    """The visibility of an image; None if it is not set."""

    def __init__(self) -> None:
        description = (
            "`private`: only its owner sees it (default with an account). `unlisted`: every caller "
            "who knows its id sees it (default without an account). `public`: everyone sees "
            "it, also in lists and search results."
        )
        super().__init__(
            load_default=None,
            validate=validate.OneOf([str(each) for each in Visibility]),
            metadata={"description": description},
        )


class Seconds(fields.Float):
    """A number of seconds in a query: a decimal number, without `inf`, `nan` and `1_000`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if isinstance(value, str) and not NUMBER.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class WholeNumber(fields.Integer):
    """A non-negative integer of 1 to 9 digits, as in a query."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if not re.fullmatch("[0-9]{1,9}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Number(fields.Float):
    """A JSON number; strings that look like a number are refused."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if isinstance(value, str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Flag(fields.Boolean):
    """A JSON boolean; marshmallow's own field also takes numbers and texts."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class FreshFlag(Flag):
    """Whether to ignore a cached result: a boolean, or `true` and `false` in forms and queries."""

    TEXTS: ClassVar[dict[str, bool]] = {"true": True, "false": False, "": False}

    def __init__(self) -> None:
        description = (
            "`true`: run the task again, even if a cached result for the same bytes exists."
        )
        super().__init__(load_default=False, metadata={"description": description})

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> bool:
        known = self.TEXTS.get(value) if isinstance(value, str) else value
        return super()._deserialize(known, attr, data, **options)


class TaskNames(fields.Field[list[str]]):
    """Names of tasks, separated by commas or in repeated parameters.

    Spaces around names are ignored, and duplicates are removed.
    """

    is_multiple = True  # makes webargs pass the values of all parameters of this name

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> list[str]:
        joined = ",".join(value)
        parts = joined.split(",") if joined else []
        names = list(dict.fromkeys(name.strip(" ") for name in parts))
        unknown = [name for name in names if name not in image_tasks()]
        if unknown:
            raise ValidationError(
                f"Unknown tasks: {', '.join(map(_printable, unknown))}. Send some of: "
                f"{', '.join(image_tasks())}."
            )
        return names


def _printable(text: str) -> str:
    return text.encode("ascii", "replace").decode()[:40]


def _plain(text: str, *, lines: bool = False) -> str:
    try:
        return check_text(text, "text", lines=lines)
    except InputFault as error:
        raise ValidationError(error.detail) from error


def _check_size(value: Any) -> None:
    """Raise ValidationError for too many, too deeply nested or too large values.

    The walk is iterative, since callers choose the depth.
    """
    todo, count = [(value, 1)], 0
    while todo:
        item, depth = todo.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_VALUES:
            raise ValidationError(
                f"Send at most {MAX_VALUES} values, nested at most {MAX_DEPTH} levels deep."
            )
        if isinstance(item, dict):
            todo += [(key, depth + 1) for key in item] + [(v, depth + 1) for v in item.values()]
        elif isinstance(item, list):
            todo += [(each, depth + 1) for each in item]
        elif isinstance(item, str):
            if len(_plain(item)) > 1000:
                raise ValidationError("Send strings of at most 1,000 characters.")
        elif isinstance(item, int) and abs(item) >= 2**63:
            raise ValidationError("Send integers of at most 64 bits.")
