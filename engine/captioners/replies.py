"""What a provider answers: found in its JSON, cleaned, cut to size."""

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from common.texts import nfc
from engine.captioners.faults import Declined, Unusable

LONGEST_TEXT = 300  # characters of a caption
LONGEST_READ = 20 * LONGEST_TEXT  # characters that are cleaned; what follows is not looked at
MOST_TOKENS = 10**9  # a larger count is a mistake
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“"}

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_START_OF_LINE = re.compile(r"^\s*(?:#{1,6}\s+|>\s*|[-*+•]\s+|\d{1,3}[.)]\s+)", re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE)
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What was used, by the provider's count."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A caption, ready to be shown, and what it took; `tokens` is None when that was not said."""

    text: str
    tokens: Tokens | None


def read_reply(body: bytes) -> Reply:
    """The caption in the body of a chat completion.

    Raises Unusable when there is none in it, Declined when the model declined to write one.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable("The captioning service answered with something other than JSON.") from error
    message, choice = _message(said)
    content = message.get("content")
    text = clean(content) if isinstance(content, str) else ""
    if text:
        return Reply(text, _tokens(said.get("usage")))
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise Declined("The captioning model declined to describe this image.")
    raise Unusable("The captioning service answered without a caption.")


def _message(said: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first choice's message, and the choice; both empty when there is none."""
    choices = said.get("choices") if isinstance(said, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Unusable("The captioning service answered without a choice.")
    message = choices[0].get("message")
    return (message if isinstance(message, dict) else {}), choices[0]


def _tokens(usage: Any) -> Tokens | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    return None if prompt is None or completion is None else Tokens(prompt, completion)


def _count(usage: dict[str, Any], name: str) -> int | None:
    count = usage.get(name)
    return count if type(count) is int and 0 <= count < MOST_TOKENS else None


def clean(text: str) -> str:
    """One line of plain text, at most LONGEST_TEXT characters: no markdown, no quotes around it,
    nothing that is not shown (control and format characters, lone surrogates).
    """
    text = nfc(text[:LONGEST_READ], LONGEST_READ).replace("\r", "\n")
    text = _START_OF_LINE.sub("", _FENCE.sub("", _LINK.sub(r"\1", text)))
    text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    text = " ".join(_EMPHASIS.sub("", text).split())
    while len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return _cut(text)


def _cut(text: str) -> str:
    """At the end of a word, if there is one in the latter half."""
    if len(text) <= LONGEST_TEXT:
        return text
    kept = text[: LONGEST_TEXT - 1]
    space = kept.rfind(" ")
    return (kept[:space] if space > LONGEST_TEXT // 2 else kept).rstrip(" ,;:") + "…"
