"""Separate a model's answer from reasoning that servers leave in the same text.

Servers that do not parse a reasoning model's output return it as part of `content`: between tags
(`<think>…</think>`, Magistral's `[THINK]…[/THINK]`), before a lone closing tag if the chat template
wrote the opening one, or as channels of OpenAI's harmony format.
"""

import re

_NAMES = "think|thinking|thoughts?|reason|reasoning|reflection|analysis|scratchpad|seed:think"
_TAG = re.compile(rf"<(/?)\s*(?:{_NAMES})\b[^<>]{{0,100}}>|\[(/?)THINK\]", re.IGNORECASE)
_ENDS = ("<|end|>", "<|return|>", "<|start|>")  # of a message in the harmony format
_FINAL = "<|channel|>final"
_CHANNEL = "<|channel|>"
_MESSAGE = "<|message|>"
_BOX = re.compile(r"<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|\Z)", re.DOTALL)
_SPECIAL_TOKEN = re.compile(r"<[|｜][^<>|｜]{1,40}[|｜]>|</?s>")


def without_thoughts(text: str) -> str:
    """Return the part of `text` that is the answer, without special tokens of chat templates.

    It is empty if the model was cut off while it reasoned, or only reasoned. The time is
    proportional to the length of `text`.
    """
    answer = _outside_tags(_final_channel(text))
    if boxed := _BOX.search(answer):
        answer = boxed[1]
    return _SPECIAL_TOKEN.sub(" ", answer).strip()


def _final_channel(text: str) -> str:
    """Return the last message of harmony's `final` channel, or `text` if it has no channels."""
    if _CHANNEL not in text:
        return text
    _, found, after = text.rpartition(_FINAL)
    if not found:
        return ""
    _, _, message = after.partition(_MESSAGE)
    ends = (message.find(mark) for mark in _ENDS)
    return message[: min((end for end in ends if end >= 0), default=len(message))]


def _outside_tags(text: str) -> str:
    """Return the text outside all pairs of reasoning tags. A closing tag without an opening one
    ends reasoning that began with the text; an opening tag without a closing one begins reasoning
    up to the end.
    """
    kept: list[str] = []
    depth = begin = 0
    for tag in _TAG.finditer(text):
        is_closing = bool(tag[1] or tag[2])
        if depth == 0:
            kept.append("" if is_closing else text[begin : tag.start()])
        if is_closing and depth == 0:
            kept.clear()
        depth = max(0, depth - 1) if is_closing else depth + 1
        begin = tag.end()
    if depth == 0:
        kept.append(text[begin:])
    return "".join(kept)
