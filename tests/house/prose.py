"""Phrases that make texts hard to understand, and the texts in which they are searched.

`python -m tests.house.prose api common/search` lists them in these folders and files.
"""

import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.house.sources import ROOT, tracked_files

# Pattern (of whole words, in any case) and what to write instead.
BANNED: dict[str, str] = {
    r"(no|some|any|every)body('s)?": "name the caller or the process; `anyone`",
    r"who(m|se)?ever": "name the caller, the owner or the process",
    r"those whom?": "name them: callers, accounts, readers",
    r"who (is|was|has|sends|asks|waits|signs|likes|votes|joins)": "`a caller that …`",
    r"for who (asks|asked|is)": "name the caller",
    r"what is known of": "name the data",
    r"what (is|was) (due|there|asked|over)": "name the rows",
    r"JSON is due": "`expected JSON`",
    r"what (became|comes|came) of": "`the outcome of`",
    r"enter(s|ed|ing)?": "`insert` for rows; `begin` for blocks; `type` for passwords",
    r"(as (it|they|he) )?stands?( for| in| at| on)?": "`is`, `represents`, `current`",
    r"(is|are|was|were|has|have|of|be) none": "`does not exist`, `is invalid`, `is None`",
    r"(when|while|where|if) there (is|are|was) (none|nothing)": "`without …`, `if … is missing`",
    r"(is|are) no more(?! than)": "`no longer exists`",
    r"any ?more": "`no longer`",
    r"(is|are|was|were) (no )?good( for| no more)?": "`is valid`, `is accepted`",
    r"(whose|their|its|one's) turn": "say what waits for which lock or queue",
    r"comes? along": "`is sent with`",
    r"(goes|go|went|going) by": "`is called`, `uses`, `passes`",
    r"lives|live (in|with|for|\d+)": "`is kept`, `is stored`; `alive` for processes",
    r"(told|tells?|telling)": "`returned`, `shown`, `reported`",
    r"(says|said|saying)": "`defines`, `states`, `returned`",
    r"(in-?)?house(?![/.\w])": "`the service`, `internal`",
    r"wings?": "`the API and the engine`",
    r"doors?": "`entry point`, `edge`",
    r"neighbou?rs?": "`other items of the batch`, `adjacent`",
    r"newcomers?": "`new rows`, `concurrent uploads`",
    r"leads? nowhere": "`is invalid`",
    r"(looks?|looked|alike) (alike )?to nobody": "name who can see it",
    r"(something|anything|nothing|what) is the matter": "`has failed`",
    r"that this was among": "`the group`",
    r"(beget|begets|befall|befalls|betray|betrays)": "`create`",
    r"(has|have|having|take|takes) (his|its|their) turn": "`waits`, `is claimed`",
    r"turn(s|ed)? away": "`reject`",
    r"in two hands": "`is used twice`",
    r"(is|are) to be looked for": "`is required`, `is searched`",
    r"(a|an) (row|line|thread|process|file|column|metric|item|task) an? \w+": "`one … per …`",
    r"kept words?": "`durability`",
    r"keeps? (its|their|our) (word|promise)s?": "`guarantees`",
    r"honest(ly)?": "say what is returned",
    r"(nothing|none) is there": "`is empty`, `is missing`",
    r"let (nobody|somebody|whoever|who)": "`end`, `reject`",
    r"(is|are) spoken": "`is used`",
    r"(mends?|heals?|sick|mute|babbles?|gossip)": "use the technical term",
    r"at (its|their) leisure": "`later`",
    r"once is as good as twice": "`is idempotent`",
    r"so many|as many as you like": "give the number or `any number of`",
}
PATTERNS = [
    (re.compile(rf"(?<![\w`/.-])(?:{each})(?![\w`-])", re.IGNORECASE), use)
    for each, use in BANNED.items()
]
ALLOWED = {
    "docker/kubernetes/base/ingress.yaml": ("nobody",),  # the name of a Service
    "engine/captioners/client.py": ("somebody",),  # the prompt; model identities include its hash
}
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
PLACEHOLDER = re.compile(r"\{[^{}\s]*\}")  # an expression in an f-string
# Generated tables repeat texts of the code, where they are checked.
GENERATED = re.compile(r"<!-- (\w+) -->.*?<!-- end of \1 -->", re.DOTALL)
CODE = (".py",)
TEXTS = (".md", ".html", ".js", ".css", ".sh", ".conf", ".yml", ".yaml", ".mako")
NAMED = ("Makefile", ".env.example", ".ci/run", "setup.cfg", "pyproject.toml")


class Finding(NamedTuple):
    """A banned phrase in a line of a file."""

    path: str
    line: int
    phrase: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.phrase!r}; write {self.instead}"


def findings(names: Sequence[str]) -> list[Finding]:
    """Return the banned phrases in these folders and files, named from the project's root."""
    roots = [ROOT / name for name in names]
    return [
        finding
        for path in tracked_files()
        if any(path.is_relative_to(root) for root in roots)
        for finding in _in_file(path)
    ]


def banned_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, the phrase and its replacement of each banned phrase in `text`."""
    for pattern, instead in PATTERNS:
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), instead


def prose_of(source: str) -> str:
    """Return Python source with everything but comments and strings blanked out."""
    lines = [[" "] * len(line) for line in source.split("\n")]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_text = token.type == tokenize.STRING and (" " in token.string or "\n" in token.string)
        if is_text or token.type == tokenize.COMMENT:
            for offset, part in enumerate(token.string.split("\n")):
                row = token.start[0] - 1 + offset
                column = token.start[1] if offset == 0 else 0
                lines[row][column : column + len(part)] = PLACEHOLDER.sub(_blank, part)
    return "\n".join("".join(line) for line in lines)


def _blank_lines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _in_file(path: Path) -> Iterator[Finding]:
    name = str(path.relative_to(ROOT))
    if path.suffix in CODE:
        text = prose_of(path.read_text())
    elif path.suffix in TEXTS or name in NAMED:
        text = GENERATED.sub(_blank_lines, path.read_text())
        text = JINJA.sub(_blank, text) if path.suffix == ".html" else text
    else:
        return
    for line, phrase, instead in banned_in(text):
        if phrase.lower() not in ALLOWED.get(name, ()):
            yield Finding(name, line, phrase, instead)


def main() -> int:
    """Print the findings in the folders and files of the command line; 1 if there are any."""
    found = findings(sys.argv[1:] or ["."])
    print(*found, f"{len(found)} phrases", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
