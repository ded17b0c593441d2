"""The admin pages in a real browser: nothing that people wrote runs, all comes from our server."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Dialog, expect

from common.database.session import Sessions
from tests.support.http.accounts import PASSWORD, Account, make_admin, sign_up
from tests.support.http.browser import Visit, watched
from tests.support.http.browser import browser as browser
from tests.support.http.calls import post
from tests.support.images.pictures import encode, picture
from tests.support.rows.databases import opened
from tests.support.services.processes import Running

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>"
PAGES = ("", "users", "images", "predictions", "posts", "feedback", "models")
_names = count(1)


@pytest.fixture
def sessions(whole_service: Running) -> Iterator[Sessions]:
    with opened(f"sqlite:///{whole_service.log.parent / 'afterimage.db'}") as found:
        yield found


@pytest.fixture
def root(url: str, sessions: Sessions) -> Account:
    return make_admin(sessions, sign_up(url, f"admin of pages {next(_names)}"))


@pytest.fixture
def visit(browser: Browser, url: str, root: Account) -> Iterator[Visit]:
    """Somebody who has logged in by the form."""
    with browser.new_context() as context:
        found = watched(context.new_page(), url)
        found.page.goto(f"{url}/admin")
        found.page.get_by_label("Name").fill(root.name)
        found.page.get_by_label("Password").fill(PASSWORD)
        found.page.get_by_role("button", name="Log in").click()
        expect(found.page.get_by_role("heading", name="Overview")).to_be_visible()
        yield found


def posted(url: str, who: Account) -> str:
    """A post with a text and a file name that would like to run."""
    image = encode(picture(seed=next(_names)), "PNG")
    name = "<img src=x onerror=alert(3)>.png"
    made = post(
        f"{url}/v1/posts", data={"text": NASTY}, files={"file": (name, image)}, headers=who.headers
    )
    return str(made.json()["id"])


def test_nothing_that_people_wrote_runs(visit: Visit, url: str, root: Account) -> None:
    said: list[str] = []

    def note(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    visit.page.on("dialog", note)
    posted(url, root)
    for page in PAGES:
        visit.page.goto(f"{url}/admin/{page}", wait_until="networkidle")
        expect(visit.page.locator("h1")).to_be_visible()
    visit.page.goto(f"{url}/admin/posts")
    expect(visit.page.locator(".of-text").first).to_have_text(NASTY)
    visit.page.goto(f"{url}/admin/images/?search=@{root.name}")
    expect(visit.page.locator(".of-file_name").first).to_have_text(
        "<img src=x onerror=alert(3)>.png"
    )
    picture = visit.page.locator(".thumb").first
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert said == []
    visit.assert_quiet()


def test_what_cannot_be_undone_is_asked_first(visit: Visit, url: str, root: Account) -> None:
    posted(url, root)
    visit.page.goto(f"{url}/admin/posts/?search=@{root.name}")
    pick = visit.page.get_by_label("Select all rows of this page")
    pick.check()
    visit.page.once("dialog", lambda dialog: dialog.dismiss())
    visit.page.get_by_role("button", name="Delete").click()
    expect(visit.page.locator("tbody [name=rowid]")).to_have_count(1)
    visit.page.once("dialog", lambda dialog: dialog.accept())
    visit.page.get_by_role("button", name="Delete").click()
    expect(visit.page.get_by_role("status")).to_have_text("deleted: 1")
    expect(visit.page.locator("tbody [name=rowid]")).to_have_count(0)
    visit.page.get_by_role("button", name="Log out").click()
    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    visit.page.go_back()
    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    visit.assert_quiet()
