"""Read the caption from a provider's JSON, clean it and limit its length.

Servers differ in how they implement the protocol: `content` may be a list of typed parts, reasoning
may be part of the text, and an error may come with status 200.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from common.unicode import nfc
from engine.captioners.errors import CutOff, Declined, ProviderError, Tokens, Unusable
from engine.captioners.reasoning import without_thoughts

LONGEST_TEXT = 300  # characters of a caption
LONGEST_READ = 20 * LONGEST_TEXT  # characters that are cleaned; the rest is ignored
LONGEST_CONTENT = 1_000_000  # characters that are searched for the answer after the reasoning
MOST_PARTS = 1_000  # of a message's content
TEXT_PARTS = ("text", "output_text")
MOST_TOKENS = 10**9  # a larger count is a mistake
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“"}

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_START_OF_LINE = re.compile(r"^\s*(?:#{1,6}\s+|>\s*|[-*+•]\s+|\d{1,3}[.)]\s+)", re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE)
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


@dataclass(frozen=True, slots=True)
class Reply:
    """A caption, ready for display, and its tokens if the provider counted them."""

    text: str
    tokens: Tokens | None


def read_reply(body: bytes) -> Reply:
    """Return the caption in the body of a chat completion.

    Raises ProviderError if the body contains an error; CutOff if the answer ended at the limit of
    tokens before the caption; Declined if the model refused to write one; Unusable if there is no
    caption for another reason. Each has the tokens that were used.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable("The captioning service answered with something other than JSON.") from error
    tokens = _tokens(answer.get("usage")) if isinstance(answer, dict) else None
    choice = _first_choice(answer)
    _raise_error(answer, choice)
    if not choice:
        raise Unusable("The captioning service answered without a choice.", tokens=tokens)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    if text := clean(without_thoughts(_text_of(message.get("content")))):
        return Reply(text, tokens)
    reason = choice.get("finish_reason")
    if message.get("refusal") or reason == "content_filter":
        raise Declined("The captioning model declined to describe this image.", tokens=tokens)
    if reason == "length":
        raise CutOff("The captioning model reached its limit of tokens.", tokens=tokens)
    raise Unusable("The captioning service answered without a caption.", tokens=tokens)


def _first_choice(answer: Any) -> dict[str, Any]:
    """Return the first choice; empty if the answer has no choices."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return {}


def _raise_error(answer: Any, choice: dict[str, Any]) -> None:
    """Raise ProviderError for an error in an answer with status 200: in the answer (`error`, or
    vLLM's `object: error`) or in the choice, as OpenRouter sends it.
    """
    if not isinstance(answer, dict):
        return
    error = choice.get("error") or (not choice and answer.get("error"))
    if answer.get("object") == "error":
        error = error or answer
    if error:
        code = error.get("code") or error.get("status") if isinstance(error, dict) else None
        is_status = type(code) is int and 400 <= code < 600
        raise ProviderError(code if is_status else None, code if isinstance(code, str) else "")


def _text_of(content: Any) -> str:
    """Return the text of a message, or its text parts joined; other parts are ignored."""
    if isinstance(content, str):
        return content[:LONGEST_CONTENT]
    if not isinstance(content, list):
        return ""
    parts = (part for part in content[:MOST_PARTS] if isinstance(part, dict))
    texts = (part.get("text") for part in parts if part.get("type") in TEXT_PARTS)
    return "".join(text for text in texts if isinstance(text, str))[:LONGEST_CONTENT]


def _tokens(usage: Any) -> Tokens | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    return None if prompt is None or completion is None else Tokens(prompt, completion)


def _count(usage: dict[str, Any], name: str) -> int | None:
    count = usage.get(name)
    return count if type(count) is int and 0 <= count < MOST_TOKENS else None


def clean(text: str) -> str:
    """Return one line of plain text of at most LONGEST_TEXT characters, without markdown, enclosing
    quotes and invisible characters (control and format characters, lone surrogates).
    """
    text = nfc(text[:LONGEST_READ], LONGEST_READ).replace("\r", "\n")
    text = _START_OF_LINE.sub("", _FENCE.sub("", _LINK.sub(r"\1", text)))
    text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    text = " ".join(_EMPHASIS.sub("", text).split())
    while len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return _cut(text)


def _cut(text: str) -> str:
    """Cut at the end of a word, if there is one in the second half."""
    if len(text) <= LONGEST_TEXT:
        return text
    kept = text[: LONGEST_TEXT - 1]
    space = kept.rfind(" ")
    return (kept[:space] if space > LONGEST_TEXT // 2 else kept).rstrip(" ,;:") + "…"
