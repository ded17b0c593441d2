"""Install the word lists: copy or download their files, verify them, and make the word index."""

from collections.abc import Sequence
from pathlib import Path

from common.languages.codes import name_of
from common.languages.word_index import WordIndex
from engine.models.catalogue import File
from engine.models.progress import Progress
from engine.models.pull import PullFailed, fetch, lock_folder, put_in_place
from engine.models.sources import Refused, Unreachable, open_origin, without_password
from engine.models.verification import is_right
from engine.words.build import build_index, is_current
from engine.words.catalogue import FOLDER, ListFile, WordList, load_word_lists


class Sources:
    """The addresses to try, with the name that a file has there: the mirror, then the repository.

    An address that does not respond is not tried again, so that a machine without internet access
    waits once and not for every file.
    """

    def __init__(self, mirror: str, address: str):
        self._mirror = mirror
        self._addresses = [each for each in (mirror, address) if each]

    def fetch(self, file: ListFile, target: Path, progress: Progress) -> None:
        """Bring the file from the first address that has it; raises Refused with all reasons."""
        part = target.with_name(f"{target.name}.part")
        reasons = []
        for address in list(self._addresses):
            name = f"{FOLDER}/{file.name}" if address == self._mirror else file.path
            try:
                with open_origin(address) as origin:
                    fetch(File(name, file.size, file.sha256), part, origin, progress)
                return put_in_place(part, target)
            except Refused as error:
                reasons.append(f"{without_password(address)}: {error}")
                if isinstance(error, Unreachable):
                    self._addresses.remove(address)
        raise Refused("; ".join(reasons) or "no address responds")


def pull_word_lists(model_dir: Path, mirror: str, progress: Progress) -> Sequence[WordList]:
    """Install the missing word lists and make the word index; return the installed lists.

    A list that no address has is skipped with a message, because search works without it. Raises
    PullFailed if MODEL_DIR cannot be written.
    """
    catalogue, folder = load_word_lists(), model_dir / FOLDER
    sources = Sources(mirror, catalogue.address)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock_folder(folder, progress):
            lists = [each for each in catalogue.lists if _install(each, folder, sources, progress)]
            if not is_current(folder, lists):
                build_index(folder, lists)
    except OSError as error:
        raise PullFailed(f"The word lists cannot be written to {folder}.") from error
    progress.say(f"search: word lists of {len(lists)} languages are in {folder}")
    return lists


def _install(each: WordList, folder: Path, sources: Sources, progress: Progress) -> bool:
    for file in each.files:
        target = folder / file.name
        if not is_right(file, target):
            try:
                sources.fetch(file, target, progress)
            except Refused as error:
                progress.say(f"search: no word list of {name_of(each.language)}: {error}")
                return False
    return True


def describe_lists(model_dir: Path) -> list[str]:
    """Return a line for each word list of the catalogue: its language, licence and state."""
    languages = WordIndex(model_dir).languages
    return [
        f"{'search':10}{f'words of {name_of(each.language)}: {each.name}':44}"
        f"{sum(file.size for file in each.files) / 1e6:6.1f} MB  {'':11}{each.licence:12}"
        f"{each.files[0].sha256[:12]}  {'' if each.language in languages else 'not '}installed"
        for each in load_word_lists().lists
    ]


def damaged_lists(model_dir: Path) -> list[str]:
    """Read all installed word lists and return a message for each wrong file."""
    folder = model_dir / FOLDER
    return [
        f"{folder / file.name} differs from the catalogue"
        for each in load_word_lists().lists
        for file in each.files
        if (folder / file.name).exists() and not is_right(file, folder / file.name)
    ]
