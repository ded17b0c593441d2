"""What queries come down to."""

import pytest

from common.search.text import normalise, stem, terms, words


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Egyptian\t CAT\n", "egyptian cat"),
        ("ＣＡＴ", "cat"),
        ("ﬁsh", "fish"),
        ("Straße", "strasse"),
        ("cafe\u0301", "caf\u00e9"),
        ("😀", "😀"),
        ("", ""),
    ],
)
def test_a_query_is_kept_in_one_form(given: str, kept: str) -> None:
    assert normalise(given) == kept
    assert normalise(kept) == kept


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kittens", "Kitten"),
        ("a cat in the park", "cat park"),
        ("wolves and geese", "wolf goose"),
        ("cat's", "cats"),
        ("Café", "CAFE"),
        ("red_car-photo.jpg", "red car jpg"),
        ("vehicles", "vehicle"),
        ("dog dog dogs", "dog"),
        ("O’Brien", "o'brien"),
        ("cat’s", "cats"),
        ("Hawaiʼi", "hawai'i"),
        ("kit\u00adten", "kitten"),
        ("kit\u200bten", "kitten"),
        ("ca\u200dt", "cat"),
        ("ca\u200ct", "cat"),
        ("ca\u2060t", "cat"),
        ("\ufeffcat", "cat"),
        ("cat\ufe0f", "cat"),
        ("\u200ecat\u200f", "cat"),
        ("\u202ecat\u202c", "cat"),
        ("𝐜𝐚𝐭", "cat"),
        ("c\u034fa\u0301t", "cát"),
    ],
)
def test_what_means_the_same_has_the_same_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@pytest.mark.parametrize(("one", "other"), [("cat", "dog"), ("cat", "cattle"), ("park", "car")])
def test_what_differs_keeps_different_terms(one: str, other: str) -> None:
    assert not set(terms(one)) & set(terms(other))


def test_a_query_of_stop_words_keeps_them() -> None:
    assert terms("who is it") == ("who", "is", "it")
    assert terms("who is a cat") == ("cat",)


@pytest.mark.parametrize("given", ["", "  ", "?!…", "😀", "___", "'"])
def test_what_has_no_words_has_no_terms(given: str) -> None:
    assert terms(given) == ()


def test_what_is_written_without_spaces_is_found_by_its_parts() -> None:
    assert set(terms("子猫")) <= set(terms("かわいい子猫"))
    assert words("ガラス") == ["ガラ", "ラス"]


def test_terms_do_not_change_when_they_are_terms_already() -> None:
    assert [stem(stem(word)) for word in ("kitten", "vehicle", "wolf")] == [
        stem(word) for word in ("kitten", "vehicle", "wolf")
    ]
