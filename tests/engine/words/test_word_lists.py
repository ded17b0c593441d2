"""Word lists: installed from a mirror, verified, and skipped where an address lacks them."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import engine.models.pull as pulling
import engine.words.pull as word_lists
from common.languages.codes import LANGUAGES
from common.languages.word_index import FILE, WordIndex, accepted_languages
from engine.words.catalogue import load_word_lists
from engine.words.english import load_english
from engine.words.pull import damaged_lists, describe_lists, pull_word_lists
from tests.engine.models.small import nowhere
from tests.support.servers.files import Site

SMALL = ("da", "uk")  # languages with short lists


class Messages:
    """Keeps what a user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fetched: list[str] = []

    def begin(self, name: str, size: int, address: str) -> None:
        self.fetched.append(name)

    def at(self, done: int) -> None:
        """Nothing is kept of it."""

    def say(self, text: str) -> None:
        self.said.append(text)


Install = Callable[..., Messages]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Install the small lists of the catalogue from a mirror, or from the repository's address, by
    default one that does not respond.
    """
    whole = load_word_lists()
    lists = tuple(each for each in whole.lists if each.language in SMALL)
    monkeypatch.setattr(pulling, "PAUSE", 0.01)

    def install(mirror: str, address: str = "") -> Messages:
        some = dataclasses.replace(whole, address=address or nowhere(), lists=lists)
        monkeypatch.setattr(word_lists, "load_word_lists", lambda: some)
        messages = Messages()
        pull_word_lists(tmp_path, mirror, messages)
        return messages

    return install


def copies(mirror: str, folder: Path) -> Path:
    """A mirror of its own with the small lists."""
    (folder / "words").mkdir(parents=True)
    for each in load_word_lists().lists:
        if each.language in SMALL:
            for file in each.files:
                target = folder / "words" / file.name
                target.write_bytes((Path(mirror) / "words" / file.name).read_bytes())
    return folder


def test_lists_come_from_the_mirror_with_their_licences(
    install: Install, mirror: str, tmp_path: Path
) -> None:
    install(mirror)
    assert WordIndex(tmp_path).languages == SMALL
    assert (tmp_path / "words" / "LICENSE.dan").read_text("utf-8").startswith("Commercial Use")
    assert damaged_lists(tmp_path) == []
    lines = describe_lists(tmp_path)
    assert [line.endswith("  installed") for line in lines] == [True, True]


def test_a_second_pull_fetches_nothing_and_keeps_the_index(
    install: Install, mirror: str, tmp_path: Path
) -> None:
    install(mirror)
    made = (tmp_path / "words" / FILE).stat().st_mtime_ns
    assert install(mirror).fetched == []
    assert (tmp_path / "words" / FILE).stat().st_mtime_ns == made


def test_a_list_that_no_address_has_is_skipped_with_a_message(
    install: Install, mirror: str, tmp_path: Path
) -> None:
    own = copies(mirror, tmp_path / "mirror")
    (own / "words" / "wn-wikt-ukr.tab").unlink()
    said = "\n".join(install(str(own)).said)
    assert "no word list of Ukrainian" in said
    assert WordIndex(tmp_path).languages == ("da",)
    shutil.copy(Path(mirror) / "words" / "wn-wikt-ukr.tab", own / "words")
    install(str(own))
    assert WordIndex(tmp_path).languages == SMALL


def test_a_machine_without_internet_access_waits_for_the_repository_once(
    install: Install,
) -> None:
    assert len(install("").fetched) == 1


def test_a_wrong_file_of_the_mirror_is_not_installed(
    install: Install, mirror: str, tmp_path: Path
) -> None:
    own = copies(mirror, tmp_path / "mirror")
    path = own / "words" / "wn-data-dan.tab"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    said = "\n".join(install(str(own)).said)
    assert "no word list of Danish" in said
    assert "sha256" in said
    assert WordIndex(tmp_path).languages == ("uk",)


def test_a_damaged_list_is_reported_and_replaced(
    install: Install, mirror: str, tmp_path: Path
) -> None:
    install(mirror)
    path = tmp_path / "words" / "wn-data-dan.tab"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert damaged_lists(tmp_path) == [f"{path} differs from the catalogue"]
    assert install(mirror).fetched == ["words/wn-data-dan.tab"]
    assert path.read_bytes() == whole


def test_files_have_other_names_in_the_repository(
    install: Install, mirror: str, site: Site, tmp_path: Path
) -> None:
    words = Path(mirror) / "words"
    site.files = {path.name: path.read_bytes() for path in words.glob("wn-*.tab")}
    site.files["LICENSE"] = (words / "LICENSE.dan").read_bytes()
    install("", site.url)
    assert WordIndex(tmp_path).languages == SMALL
    assert [path for path, _ in site.asked] == [
        "/files/wns/dan/wn-data-dan.tab",
        "/files/wns/dan/LICENSE",
        "/files/wns/wikt/wn-wikt-ukr.tab",
    ]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_index_counts_as_none_and_is_made_again(
    install: Install, mirror: str, tmp_path: Path, content: bytes
) -> None:
    install(mirror)
    (tmp_path / "words" / FILE).write_bytes(content)
    index = WordIndex(tmp_path)
    assert (index.languages, index.find(["hund"])) == ((), [])
    install(mirror)
    assert index.languages == SMALL, "a reader notices the new file"
    assert {word.english for word in index.find(["hund"])} == {"dog"}


def test_an_index_with_damaged_pages_knows_no_words(
    install: Install, mirror: str, tmp_path: Path
) -> None:
    install(mirror)
    path = tmp_path / "words" / FILE
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    index = WordIndex(tmp_path)
    assert index.find(["hund"]) == []
    assert index.names("da", ["cat"]) == {}


def test_without_lists_only_english_is_known(tmp_path: Path) -> None:
    index = WordIndex(tmp_path)
    assert accepted_languages(index) == sorted(LANGUAGES), "an engine elsewhere may have lists"
    assert index.find(["hund"]) == []
    assert index.names("de", ["cat"]) == {}


def test_the_catalogue_has_a_known_language_and_a_licence_for_each_list() -> None:
    lists = load_word_lists().lists
    assert len({each.language for each in lists}) == len(lists) == 23
    for each in lists:
        assert each.language in LANGUAGES
        assert each.licence
        assert each.files[0].name.endswith(".tab")


def test_english_words_of_synsets_are_names_of_the_index() -> None:
    synsets = load_english().synsets
    assert (synsets["02121620-n"].word, synsets["02121620-n"].is_name) == ("cat", True)
    assert (synsets["02084071-n"].word, synsets["02084071-n"].is_name) == ("dog", True)
    assert (synsets["02122948-n"].word, synsets["02122948-n"].is_name) == ("kitten", False)
