"""Queries in other languages, by the real word lists."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from common.database.ids import new_id
from common.languages.word_index import WordIndex
from engine.index.documents import ImageFacts, Words, encode, texts_of
from engine.index.store import Hit
from engine.searching.languages.hints import Hints
from engine.searching.languages.readings import Translation
from engine.searching.languages.translator import Translator
from engine.searching.query_expansion import parse
from engine.searching.related import load_related
from engine.searching.scoring import Candidate, Scorer
from tests.support.services.served import models as models

WORDS = Words()


@pytest.fixture(scope="module")
def index(models: str) -> WordIndex:
    return WordIndex(Path(models))


@pytest.fixture(scope="module")
def translator(index: WordIndex) -> Translator:
    return Translator(index, WORDS.phrases, load_related())


def read(translator: Translator, query: str, language: str | None = None) -> Translation:
    translation = translator.translate(query, language)
    assert translation is not None
    return translation


def meanings(translation: Translation) -> list[str]:
    """The first English word of each translated word."""
    return [segment.readings[0].english for segment in translation.segments]


def judged(query: str, groups: Collection[Any] = (), **known: Any) -> Candidate:
    about = ImageFacts(**known)
    hit = Hit(new_id(), 1.0, encode(about), texts_of(about, WORDS))
    return Scorer(parse(query, load_related(), list(groups)), WORDS).score(hit)


CATS = {
    "ar": "قط", "cs": "kočka", "da": "kat", "de": "Katze", "el": "γάτα", "es": "gato",
    "fi": "kissa", "fr": "chat", "hi": "बिल्ली", "hu": "macska", "it": "gatto", "ja": "猫",
    "ko": "고양이", "nb": "katt", "nl": "huiskat", "pl": "kot", "pt": "gato", "ru": "кошка",
    "sv": "katt", "tr": "kedi", "uk": "кішка", "vi": "mèo", "zh": "猫",
}  # fmt: skip
DOGS = {
    "ar": "كلب", "cs": "pes", "da": "hund", "de": "Hund", "es": "perro", "fi": "koira",
    "fr": "chien", "hi": "कुत्ता", "hu": "kutya", "it": "cane", "ja": "犬", "ko": "개",
    "nb": "hund", "nl": "hond", "pl": "pies", "pt": "cachorro", "ru": "собака", "sv": "hund",
    "tr": "köpek", "uk": "собака", "vi": "chó", "zh": "狗",
}  # fmt: skip


@pytest.mark.parametrize("is_given", [False, True])
@pytest.mark.parametrize(
    ("word", "language", "english"),
    [(word, each, "cat") for each, word in CATS.items()]
    + [(word, each, "dog") for each, word in DOGS.items()],
)
def test_words_for_cat_and_dog_are_understood_in_every_language(
    translator: Translator, word: str, language: str, english: str, is_given: bool
) -> None:
    translation = read(translator, word, language if is_given else None)
    [segment] = translation.segments
    [reading] = [each for each in segment.readings if each.english == english]
    assert language in reading.languages
    assert translation.unknown == ()


@pytest.mark.parametrize(
    ("query", "language", "english"),
    [
        ("Hunde und Katzen", "de", ["dog", "cat"]),
        ("eine Katze im Schnee", "de", ["cat", "snow"]),
        ("Sonnenuntergang am Meer", "de", ["sunset", "sea"]),
        ("Bank im Park", "de", ["bench", "park"]),
        ("un gato en la playa", "es", ["cat", "beach"]),
        ("le chat noir", "fr", ["cat", "black"]),
        ("l'oiseau", "fr", ["bird"]),
        ("mon chien", "fr", ["dog"]),
        ("собака на пляже", "ru", ["dog", "beach"]),
        ("стол и стул", "ru", ["desk", "chair"]),
        ("Cane che dorme", "it", ["dog"]),
        ("고양이가", "ko", ["cat"]),
        ("Eisbär", "de", ["ice bear"]),
        ("Löwe", "de", ["lion"]),
        ("voegel", "de", ["bird"]),
        ("KATZE", "de", ["cat"]),
        ("Ka\u0308tzin", "de", ["cat"]),
        ("ко\u200bшка", "ru", ["cat"]),
    ],
)
def test_the_language_is_guessed_from_the_words(
    translator: Translator, query: str, language: str, english: list[str]
) -> None:
    translation = read(translator, query)
    assert translation.language == language
    assert meanings(translation) == english


@pytest.mark.parametrize(
    ("query", "english"),
    [
        ("قِطّ", "cat"),  # with vowel points
        ("قط", "cat"),
        ("pajaro", "bird"),  # without the accent
        ("perros", "dog"),
        ("кошки", "cat"),
        ("kissat", "cat"),
        ("kediler", "cat"),
        ("Tiere", "animal"),
        ("Lieblingshund", "dog"),  # a compound ends with what it is
    ],
)
def test_inflected_words_and_words_without_accents_are_found(
    translator: Translator, query: str, english: str
) -> None:
    assert english in meanings(read(translator, query))


@pytest.mark.parametrize(
    ("query", "words"),
    [("猫と犬", ["猫", "犬"]), ("一只狗和一只猫", ["狗", "猫"]), ("一只狗", ["狗"])],
)
def test_scripts_without_spaces_are_split_at_known_words(
    translator: Translator, query: str, words: list[str]
) -> None:
    assert [segment.text for segment in read(translator, query).segments] == words


@pytest.mark.parametrize(
    "query",
    [
        "cat", "dogs", "Egyptian cat", "a cat in a park", "man's best friend", "seaside", "sedan",
        "something to sit on", "birthday party", "red car", "best friend", "fast food", "pizza",
        "sunset over the sea", "hot dog", "bread", "gift", "the", "kite", "auto", "small animal",
        "place to sleep", "taxi", "tiger cat", "Lisbon",
    ],
)  # fmt: skip
def test_english_queries_are_searched_as_they_are(translator: Translator, query: str) -> None:
    translation = read(translator, query)
    assert (translation.language, translation.groups) == ("en", ())
    assert parse(query, load_related(), translation.groups) == parse(query, load_related())


def test_every_class_name_is_searched_as_it_is(translator: Translator) -> None:
    for name in WORDS.classes:
        assert read(translator, name).groups == (), name


def test_a_word_that_may_be_english_keeps_its_english_meaning(translator: Translator) -> None:
    groups = read(translator, "cane").groups
    [(name, _)] = load_related()[("cane",)]
    stick = judged("cane", groups, broader=[(name, 0.9)])
    dog = judged("cane", groups, broader=[("dog", 0.9)])
    assert stick.score == judged("cane", broader=[(name, 0.9)]).score
    assert stick.score > dog.score > 0
    assert dog.why == "matched: broader term dog (for cane)"


def test_a_given_language_decides(translator: Translator) -> None:
    assert meanings(read(translator, "pie", "es")) != meanings(read(translator, "pie", "fr"))
    assert read(translator, "Hund", "en").groups == ()
    assert read(translator, "chat", "fr").segments[0].readings[0].weight == 1.0


def test_several_languages_with_the_word_are_all_told(translator: Translator) -> None:
    translation = read(translator, "Hund")
    assert translation.language is None
    [reading] = translation.segments[0].readings
    assert reading.languages == ("da", "de", "nb", "sv")


def test_languages_can_be_mixed(translator: Translator) -> None:
    assert meanings(read(translator, "cat Hund")) == ["dog"]


@pytest.mark.parametrize(
    ("query", "english"),
    [("Hund", "dog"), ("Katze", "cat"), ("猫", "cat"), ("собака", "dog")],
)
def test_a_translated_word_scores_as_the_english_word(
    translator: Translator, query: str, english: str
) -> None:
    known = {"labels": [("Egyptian cat", 0.6), ("Samoyed", 0.2)], "broader": [(english, 0.8)]}
    found = judged(query, read(translator, query).groups, **known)
    assert found.score == judged(english, **known).score > 0


def test_related_names_of_a_translation_are_found(translator: Translator) -> None:
    groups = read(translator, "Kätzchen", "de").groups
    assert judged("Kätzchen", groups, broader=[("cat", 0.9)]).score > 0


def test_votes_count_for_the_english_words(translator: Translator) -> None:
    assert read(translator, "Hund").english("Hund") == "dog"
    assert read(translator, "cane").english("cane") == "cane", "it may be English"
    assert read(translator, "dog").english("dog") == "dog"


def test_an_unknown_word_gets_a_hint(translator: Translator, index: WordIndex) -> None:
    hint = Hints(index).nothing_found(read(translator, "qwertzuiop"))
    assert hint.startswith("Nothing matches this query. No word of it is known")
    assert "German" in hint
    assert "Vietnamese" in hint


def test_similar_words_are_suggested(translator: Translator, index: WordIndex) -> None:
    assert "schildkrote" in Hints(index).nothing_found(read(translator, "Schildkröhte", "de"))


def test_only_the_unknown_words_are_named(translator: Translator, index: WordIndex) -> None:
    hint = Hints(index).nothing_found(read(translator, "Katze qwertzuiop"))
    assert "Unknown: qwertzuiop." in hint


@pytest.mark.parametrize(
    "query",
    ["", "?!…", "😀", "\u0301" * 200, "猫" * 300, "㌀" * 300, "ﷺ" * 300, "a " * 150, "ѝ" * 300],
)
def test_any_text_can_be_read(translator: Translator, query: str) -> None:
    translation = read(translator, query)
    assert len(translation.groups) <= len(query)


def test_without_word_lists_nothing_is_translated(tmp_path: Path) -> None:
    assert Translator(WordIndex(tmp_path), WORDS.phrases, {}).translate("Hund", "de") is None
