"""Fields that several resources share."""

import re
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from common.errors import InputFault
from common.images.validation import check_text
from common.tables import Visibility
from common.tasks import image_tasks

DEEPEST = 8  # levels of nesting in what callers may attach
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
MOST_ERRORS = 20  # elements of a list whose errors are listed
MOST_VALUES = 200  # values in what callers may attach


class Text(fields.String):
    """A string that can be stored and shown anywhere: no control characters, no lone surrogates."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        return _plain(text)


class Lines(fields.String):
    """As `Text`, with tabs and line ends."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        return _plain(text, lines=True)


class Bounded(fields.List[Any]):
    """A list that is refused for its length before any of its elements is looked at, and for the
    first few elements that are wrong.
    """

    def __init__(self, inner: fields.Field[Any], *, most: int, least: int = 0, **options: Any):
        self.least, self.most = least, most
        super().__init__(inner, validate=validate.Length(least or None, most), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.most:
            raise ValidationError(f"At most {self.most:,} items; {len(value):,} were sent.")
        errors: dict[int, Any] = {}
        loaded = []
        for position, each in enumerate(value):
            try:
                loaded.append(self.inner.deserialize(each, **options))
            except ValidationError as error:
                errors[position] = error.messages
                if len(errors) == MOST_ERRORS:
                    break
        if errors:
            raise ValidationError(errors, valid_data=loaded)
        return loaded


class Attachment(fields.Dict):
    """A JSON object of the caller's own, small and shallow."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        loaded = super()._deserialize(value, attr, data, **options)  # type: ignore[no-untyped-call]
        _bounded(loaded)
        return loaded


class Visible(Text):
    """An image's visibility; None where nothing is said."""

    def __init__(self) -> None:
        meaning = (
            "`private`: its owner alone, and the default of who is signed in; `unlisted`: whoever "
            "has the id, and the default of who is not; `public`: everyone, and in search."
        )
        super().__init__(
            load_default=None,
            validate=validate.OneOf([str(each) for each in Visibility]),
            metadata={"description": meaning},
        )


class Seconds(fields.Float):
    """A time in seconds as it stands in a query: Python's own idea of a number is wider."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if isinstance(value, str) and not NUMBER.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Whole(fields.Integer):
    """A whole number as it stands in a query: digits and nothing else."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if not re.fullmatch("[0-9]{1,9}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Number(fields.Float):
    """A number as JSON has it: no text that looks like one."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if isinstance(value, str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Fresh(fields.Boolean):
    """Whether a result that is known already will not do; in a form or a query as a text."""

    TEXTS: ClassVar[dict[str, bool]] = {"true": True, "false": False, "": False}

    def __init__(self) -> None:
        meaning = "`true`: ask again, though the same was asked of the same bytes before."
        super().__init__(load_default=False, metadata={"description": meaning})

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> bool:
        if isinstance(value, str):
            value = self.TEXTS.get(value)
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class TaskList(fields.Field[list[str]]):
    """Names of tasks, separated by commas (spaces around them are ignored) or in several
    parameters; each is asked for once.
    """

    is_multiple = True  # webargs then gives the values of all parameters of that name

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> list[str]:
        given = ",".join(value)
        parts = given.split(",") if given else []
        names = list(dict.fromkeys(name.strip(" ") for name in parts))
        unknown = [name for name in names if name not in image_tasks()]
        if unknown:
            raise ValidationError(
                f"Unknown: {', '.join(map(_shown, unknown))}; known: {', '.join(image_tasks())}."
            )
        return names


def _shown(text: str) -> str:
    return text.encode("ascii", "replace").decode()[:40]


def _plain(text: str, *, lines: bool = False) -> str:
    try:
        return check_text(text, "text", lines=lines)
    except InputFault as error:
        raise ValidationError(error.detail) from error


def _bounded(value: Any) -> None:
    """Walk without recursion: depth is the caller's to choose."""
    todo, seen = [(value, 1)], 0
    while todo:
        item, depth = todo.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_VALUES:
            raise ValidationError(
                f"At most {MOST_VALUES} values, nested at most {DEEPEST} levels deep."
            )
        if isinstance(item, dict):
            todo += [(key, depth + 1) for key in item] + [(v, depth + 1) for v in item.values()]
        elif isinstance(item, list):
            todo += [(each, depth + 1) for each in item]
        elif isinstance(item, str):
            if len(_plain(item)) > 1000:
                raise ValidationError("A text of more than 1,000 characters.")
        elif isinstance(item, int) and abs(item) >= 2**63:
            raise ValidationError("A whole number of more than 64 bits.")
