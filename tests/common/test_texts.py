"""Normalising what callers send takes time in proportion to its length."""

import time
import unicodedata
from collections.abc import Callable
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.accounts.names import check_email, check_name, email_key, name_key
from common.errors import InputFault
from common.images.validation import clean_file_name
from common.search.text import normalise, terms, words
from common.unicode import HIDDEN_MARKS, INVISIBLE, LONGEST_RUN, caseless, nfc, normalized, visible

HOSTILE = {  # texts that `unicodedata.normalize` needs seconds for
    "two marks": "a" + "\u0301" * 100_000 + "\u0316" * 100_000,
    "alternating": "\u0301\u0316" * 100_000,
    "joined by what is dropped": ("\u0301\u0316" * 14 + "\u034f") * 7_000,
    "no letter": "\u0316\u0301" * 100_000,
    "decomposes into marks": "\u0344\u0f73" * 100_000,
    "halfwidth sound marks": "\uff9e\u0301" * 100_000,
    "ligatures": "\ufdfa" * 10_000,
}
BUDGET = 0.5  # seconds of CPU; without the limits some of these take minutes


def refused_or_done(work: Callable[[str], object], text: str) -> None:
    try:
        work(text)
    except InputFault:
        return


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "work", [check_name, name_key, check_email, email_key, clean_file_name, normalise, words, terms]
)
def test_no_text_takes_long(work: Callable[[str], object], text: str) -> None:
    before = time.thread_time()
    refused_or_done(work, text)
    assert time.thread_time() - before < BUDGET


def test_a_text_over_the_limit_is_refused_before_it_is_normalised() -> None:
    before = time.thread_time()
    for too_long in (nfc, caseless):
        with pytest.raises(InputFault) as caught:
            too_long(HOSTILE["alternating"], 1_000)
        assert caught.value.code == "text_too_long"
    assert time.thread_time() - before < 0.05
    assert nfc("e\u0301", 2) == "\u00e9"


@settings(deadline=None)
@given(st.text(st.sampled_from("aé\u0301\u0316\u0344\u0f73\u034fﬁẞ\u1160\u3164"), max_size=200))
def test_runs_of_marks_are_short_and_the_form_is_final(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        done = normalized(text, 200, form)
        assert unicodedata.is_normalized(form, done)
        marks = [unicodedata.combining(each) > 0 for each in done]
        runs = [len(list(run)) for is_mark, run in groupby(marks) if is_mark]
        assert max(runs, default=0) <= LONGEST_RUN
        assert normalized(done, len(done), form) == done


def test_no_character_hides_combining_marks() -> None:
    starters = (chr(at) for at in range(0x110000) if not unicodedata.combining(chr(at)))
    hiding = {
        each for each in starters if unicodedata.combining(unicodedata.normalize("NFKD", each)[0])
    }
    assert hiding == HIDDEN_MARKS


def test_ordinary_texts_keep_all_their_marks() -> None:
    for text in ("Việt Nam", "ผู้ใหญ่", "नमस्ते", "שָׁלוֹם", "e" + "\u0301" * LONGEST_RUN):
        assert nfc(text, 100) == unicodedata.normalize("NFC", text)


def test_invisible_characters_are_the_default_ignorable_ones() -> None:
    for each in "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u202e\ufe0f\u034f\u3164\U000e0041":
        assert INVISIBLE.fullmatch(each)
        assert visible(f"ca{each}t") == "cat"
    for each in "a \n\u00a0é猫😀\u0301\u093f\ufffd":
        assert not INVISIBLE.match(each)
