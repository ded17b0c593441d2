"""What a provider answers: found in its JSON, cleaned, cut to size.

Servers that speak this protocol differ from its author's: `content` may be a list of typed parts,
reasoning may be part of the text, and an error may come with status 200.
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
LONGEST_READ = 20 * LONGEST_TEXT  # characters that are cleaned; what follows is not looked at
LONGEST_CONTENT = 1_000_000  # characters in which the answer is looked for behind the reasoning
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
    """A caption, ready to be shown, and the tokens that it took, if the provider counted them."""

    text: str
    tokens: Tokens | None


def read_reply(body: bytes) -> Reply:
    """The caption in the body of a chat completion.

    Raises ProviderError when the body holds an error instead; CutOff when the answer ended at the
    limit of tokens before it had a caption; Declined when the model declined to write one; Unusable
    when there is no caption for another reason. Each carries the tokens that were used.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable("The captioning service answered with something other than JSON.") from error
    tokens = _tokens(said.get("usage")) if isinstance(said, dict) else None
    choice = _first_choice(said)
    _raise_error(said, choice)
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


def _first_choice(said: Any) -> dict[str, Any]:
    """Empty when there is none."""
    choices = said.get("choices") if isinstance(said, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return {}


def _raise_error(said: Any, choice: dict[str, Any]) -> None:
    """Raise ProviderError for an error in an answer with status 200: of the whole (`error`, or
    vLLM's `object: error`) or of the choice, as OpenRouter sends it.
    """
    if not isinstance(said, dict):
        return
    error = choice.get("error") or (not choice and said.get("error"))
    if said.get("object") == "error":
        error = error or said
    if error:
        code = error.get("code") or error.get("status") if isinstance(error, dict) else None
        is_status = type(code) is int and 400 <= code < 600
        raise ProviderError(code if is_status else None, code if isinstance(code, str) else "")


def _text_of(content: Any) -> str:
    """The text of a message: itself, or its text parts joined; other parts are passed over."""
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
