"""A real browser for the tests of pages, and what it did and complained about on a visit.

Tests import the fixture `browser` from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from tests.support.servers.backends import missing
from tests.support.servers.private import find_program

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 30_000  # ms; for crowded machines


@dataclass
class Visit:
    """A page, and what the browser did and complained about while it was open."""

    page: Page
    base_url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def send(self, name: str, data: bytes) -> None:
        file = FilePayload(name=name, mimeType="", buffer=data)
        self.page.get_by_label("Choose photographs").set_input_files(file)

    def assert_quiet(self) -> None:
        """Everything came from our own server, nothing was blocked, no script failed."""
        assert self.requests
        foreign = [url for url in self.requests if not url.startswith(self.base_url + "/")]
        assert not foreign
        assert not self.complaints


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_program("chromium", "chromium-browser", "google-chrome")
    if program is None:
        missing("chromium is not installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


def watched(page: Page, base_url: str) -> Visit:
    visit = Visit(page, base_url)
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda sent: _note_request(visit, sent.url))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", lambda said: _note_message(visit, said.text))
    return visit


def _note_request(visit: Visit, url: str) -> None:
    if not url.startswith(("blob:", "data:")):
        visit.requests.append(url)


def _note_message(visit: Visit, text: str) -> None:
    # An answer of 4xx or 5xx is noted too, and is what some tests are after.
    if not text.startswith("Failed to load resource"):
        visit.complaints.append(text)
