"""The parameter `lang`, and results with labels in that language."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from api.state import app_state
from common.languages.codes import ENGLISH, code_of
from common.languages.word_index import accepted_languages
from common.tasks.classify import CONTRACT as CLASSIFY
from common.tasks.search import LONGEST_TAG


class LanguageField(fields.String):
    """The code of a language whose word list is installed; `de-AT` counts as `de`."""

    def __init__(self, description: str) -> None:
        super().__init__(
            validate=validate.Length(1, LONGEST_TAG),
            metadata={"description": description, "example": "de"},
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        code = code_of(super()._deserialize(value, attr, data, **options))
        accepted = accepted_languages(app_state().word_index)
        if code not in accepted:
            raise ValidationError(f"must be one of: {', '.join(accepted)}")
        return code


def label_language() -> LanguageField:
    """The language of the labels in a response."""
    return LanguageField(
        "Language of the names of labels and broader terms. A name without a translation stays "
        "English; `language` is the language of each name."
    )


def in_language(view: dict[str, Any], language: str | None) -> dict[str, Any]:
    """Return the view of a prediction with its labels in this language; None: unchanged.

    Each label and broader term gets `language`, and `english` with its English name.
    """
    result = view["result"] if language and view.get("task") == CLASSIFY.name else None
    if language is None or not result:
        return view
    labels, broader = result["labels"], result["broader"]
    ids = [*(label["wnid"] for label in labels), *(term["name"] for term in broader)]
    names = {} if language == ENGLISH else app_state().word_index.names(language, ids)
    translated = {
        "labels": [_named(label, names.get(label["wnid"]), language) for label in labels],
        "broader": [_named(term, names.get(term["name"]), language) for term in broader],
    }
    return view | {"result": result | translated}


def _named(label: Mapping[str, Any], name: str | None, language: str) -> dict[str, Any]:
    english = label["name"]
    about = {"name": name or english, "english": english}
    return {**label, **about, "language": language if name else ENGLISH}
