"""The words of captions: put together from labels, or read from a provider's answer and cleaned."""

import itertools
import json
import time

import pytest

from engine.captioners.errors import CutOff, Declined, ProviderError, Tokens, Unusable
from engine.captioners.replies import LONGEST_TEXT, clean, read_reply
from engine.captioners.sentence import Guess, sentence, with_article
from engine.models.labels import load_imagenet
from tests.support.servers.openai import completion


def test_words_follow_the_score() -> None:
    cat, dog = (guess(name, 0.0).label for name in ("Egyptian cat", "Samoyed"))
    said = {score: sentence([Guess(cat, score)]) for score in (0.9, 0.6, 0.3, 0.1)}
    assert said == {
        0.9: "Most likely an Egyptian cat.",
        0.6: "Probably an Egyptian cat.",
        0.3: "Perhaps an Egyptian cat.",
        0.1: "Hard to say; the best guess is an Egyptian cat.",
    }
    assert sentence([Guess(cat, 0.4), Guess(dog, 0.2)]).endswith("; possibly a Samoyed.")
    assert "Samoyed" not in sentence([Guess(cat, 0.8), Guess(dog, 0.05)])


def test_what_is_sure_comes_first() -> None:
    both = [guess("tabby", 0.4), guess("Egyptian cat", 0.35)]
    assert sentence(both) == "Probably a cat, perhaps a tabby; possibly an Egyptian cat."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Egyptian cat", "an Egyptian cat"),
        ("hourglass", "an hourglass"),
        ("unicycle", "a unicycle"),
        ("European gallinule", "a European gallinule"),
        ("umbrella", "an umbrella"),
        ("hotdog", "a hotdog"),
        ("sunglasses", "sunglasses"),
        ("red wine", "red wine"),
        ("seashore", "the seashore"),
        ("sports equipment", "sports equipment"),
    ],
)
def test_articles(name: str, said: str) -> None:
    assert with_article(name) == said


def test_every_class_and_broader_term_can_be_told() -> None:
    for label in load_imagenet():
        for name in (label.name, *(term.name for term in label.broader)):
            assert with_article(name).endswith(name)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('  "A cat."  ', "A cat."),
        ("“‘A cat.’”", "A cat."),
        ("# Title\n\nA **bold** `cat` on\r\na _mat_.", "Title A bold cat on a mat."),
        ("- one\n- two\n3. three\n> four", "one two three four"),
        ("```text\nA cat.\n```", "A cat."),
        ("See [this cat](https://x.example/?q=1) ![and](data:x) it.", "See this cat and it."),
        ("a\x00b\x1b[31mc\u202ed\ud800e\u2028f", "a b [31mc d e f"),
        ("snake_case stays, 2 > 1 too", "snake_case stays, 2 > 1 too"),
        ("Une e\u0301cole", "Une école"),
        ('""', ""),
        ("  \n\t ", ""),
    ],
)
def test_text_is_cleaned(said: str, shown: str) -> None:
    assert clean(said) == shown


@pytest.mark.parametrize("text", ["x" * 10_000, "word " * 10_000, "*" * 10_000 + "x", "[" * 10_000])
def test_text_is_cut_to_size_at_once(text: str) -> None:
    start = time.monotonic()
    assert len(clean(text)) <= LONGEST_TEXT
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": -1, "completion_tokens": 1},
              {"prompt_tokens": True, "completion_tokens": 1},
              {"prompt_tokens": 10**30, "completion_tokens": 1},
              {"prompt_tokens": "1", "completion_tokens": 1}],
)  # fmt: skip
def test_a_strange_count_of_tokens_is_none(usage: object) -> None:
    body = b'{"choices": [{"message": {"content": "A cat."}}], "usage": %s}'
    assert read_reply(body % json.dumps(usage).encode()).tokens is None
    good = b'{"prompt_tokens": 3, "completion_tokens": 1}'
    assert read_reply(body % good).tokens == Tokens(3, 1)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"null", b'{"choices": {}}', b'{"choices": [null]}',
             b'{"choices": [{"message": []}]}', b'{"choices": [{"message": {"content": ["x"]}}]}',
             b'{"choices": [{"message": {"content": "\\ud800"}}]}'],
)  # fmt: skip
def test_what_holds_no_caption_is_said_to(body: bytes) -> None:
    with pytest.raises(Unusable):
        read_reply(body)


def test_a_filtered_caption_is_declined() -> None:
    with pytest.raises(Declined):
        read_reply(b'{"choices": [{"finish_reason": "content_filter", "message": {}}]}')


@pytest.mark.parametrize(
    "said",
    [
        "A cat.",
        "<think>Hm.</think>\n\nA cat.",
        "<think>" + "The user wants a caption. " * 4_000 + "</think>A cat.",
        "<THINKING budget=3>Hm. <think>Hm?</think></THINKING>A cat.",
        "<reasoning>Hm.</reasoning>\nA cat.",
        "[THINK]Hm.[/THINK]A cat.",
        "The template wrote the opening tag.\n</think>\n\nA cat.",
        "<think>One.</think><think>Two.</think>A cat.<|im_end|></s>",
        "<|begin_of_box|>A cat.<|end_of_box|>",
        "<think>Hm.</think>So: <|begin_of_box|>A cat.",
        "<|channel|>analysis<|message|>Hm.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>A cat.",
        "<|channel|>final <|constrain|>text<|message|>A cat.<|return|>",
    ],
)
def test_a_models_reasoning_is_not_its_answer(said: str) -> None:
    assert read_reply(completion(said)).text == "A cat."


@pytest.mark.parametrize(
    "said",
    [
        "<think>Cut off in the mid",
        "<think>Nothing but reasoning.</think>",
        "<|channel|>analysis<|message|>Hm.",
        "A cat?</think>",
        "<think>" * 50_000,
        "</think>" * 50_000,
    ],
)
def test_reasoning_alone_is_no_caption(said: str) -> None:
    with pytest.raises(Unusable):
        read_reply(completion(said))


def test_a_tag_of_something_else_stays() -> None:
    assert read_reply(completion("A <b>thinker</b> [think tank] sits.")).text == (
        "A <b>thinker</b> [think tank] sits."
    )


def test_the_text_parts_of_a_message_are_joined() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [thought, {"type": "text", "text": "A "}, {"type": "text", "text": "cat."}, 7]
    assert read_reply(completion(parts)).text == "A cat."
    with pytest.raises(Unusable):
        read_reply(completion([thought, {"type": "text", "text": None}]))


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({"error": {"message": "no eyes"}}, None),
        ({"error": "Unexpected endpoint or method."}, None),
        ({"error": {"message": "slow down", "code": 429}}, 429),
        ({"object": "error", "message": "x", "code": 400}, 400),
        ({"choices": [{"finish_reason": "error", "error": {"code": 502}}]}, 502),
    ],
)
def test_an_error_with_status_200_is_an_error(about: object, status: int | None) -> None:
    with pytest.raises(ProviderError) as raised:
        read_reply(json.dumps(about).encode())
    assert raised.value.status == status


def test_an_answer_cut_off_carries_its_tokens() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 120}
    choice = {"finish_reason": "length", "message": {"content": None, "reasoning": "Hm."}}
    with pytest.raises(CutOff) as raised:
        read_reply(json.dumps({"choices": [choice], "usage": usage}).encode())
    assert raised.value.tokens == Tokens(9, 120)


def guess(name: str, score: float) -> Guess:
    """The first class of that name."""
    [label] = itertools.islice((each for each in load_imagenet() if each.name == name), 1)
    return Guess(label, score)
