"""The gallery and the page of a share link, in a real browser against the real service."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from playwright.sync_api import Browser, Locator, expect

from tests.support.http.accounts import PASSWORD, Account, sign_up
from tests.support.http.browser import Visit, watched
from tests.support.http.browser import browser as browser
from tests.support.http.calls import CAT
from tests.support.images.pictures import encode, picture

NASTY = "<script>window.hacked = 1</script>\n<img src=x onerror='window.hacked = 1'> é😀 {{ 7*7 }}"

SPOIL = """() => {
    const tokens = JSON.parse(sessionStorage.getItem("afterimage-tokens"));
    tokens.access_token = "old";
    sessionStorage.setItem("afterimage-tokens", JSON.stringify(tokens));
}"""


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Visit]:
    with browser.new_context() as context:
        yield watched(context.new_page(), url)


@pytest.fixture
def anna(url: str) -> Account:
    return sign_up(url, f"anna {uuid4().hex[:8]}")


def small() -> bytes:
    """A picture in bytes that nobody has sent before."""
    return encode(picture(), "PNG") + uuid4().bytes


def posted(url: str, who: Account, text: str, data: bytes) -> str:
    sent = {"files": {"file": ("a.png", data)}, "data": {"text": text}, "headers": who.headers}
    answer = requests.post(f"{url}/v1/posts", timeout=30, **sent)  # type: ignore[arg-type]
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def post_of(visit: Visit, text: str) -> Locator:
    return visit.page.locator(".posts > li").filter(has_text=text)


def log_in(visit: Visit, who: Account, password: str = PASSWORD) -> None:
    visit.page.get_by_label("Name").fill(who.name)
    visit.page.get_by_label("Password").fill(password)
    visit.page.get_by_role("button", name="Log in").click()


def test_a_photograph_is_posted_liked_and_labelled(
    visit: Visit, anna: Account, cat: bytes, tmp_path: Path
) -> None:
    (tmp_path / CAT).write_bytes(cat + uuid4().bytes)
    text = f"My cat {uuid4()}"
    visit.page.goto(f"{visit.base_url}/")
    visit.page.get_by_role("link", name="Gallery").click()
    log_in(visit, anna, "wrong password")
    expect(visit.page.locator("#fault")).to_be_visible()
    log_in(visit, anna)
    expect(visit.page.locator("#who bdi")).to_have_text(anna.name)
    visit.page.get_by_label("Photograph").set_input_files(tmp_path / CAT)
    visit.page.get_by_label("Text").fill(text)
    visit.page.get_by_role("button", name="Post", exact=True).click()
    post = post_of(visit, text)
    expect(post.locator(".tags li").first).to_contain_text("Egyptian cat")
    expect(post.locator(".caption")).to_contain_text("cat")
    expect(post.locator("img")).to_have_js_property("naturalWidth", 256)
    like = post.locator(".like")
    for count, pressed in (("1", "true"), ("0", "false"), ("1", "true")):
        like.click()
        expect(like.locator("span")).to_have_text(count)
        expect(like).to_have_attribute("aria-pressed", pressed)
    visit.page.get_by_role("button", name="Most liked this week").click()
    expect(post_of(visit, text).locator(".like span")).to_have_text("1")
    visit.page.get_by_role("button", name="Log out").click()
    expect(visit.page.locator("#sign-in")).to_be_visible()
    expect(post_of(visit, text).locator(".like")).to_have_attribute("aria-pressed", "false")
    post_of(visit, text).locator(".like").click()
    expect(visit.page.locator("#fault")).to_have_text("Log in to like a post.")
    visit.assert_quiet()


def test_what_people_write_is_text_and_no_script_runs(visit: Visit, anna: Account) -> None:
    id = posted(visit.base_url, anna, NASTY, small())
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.goto(f"{visit.base_url}/gallery")
    shown = post_of(visit, "{{ 7*7 }}").first.locator(".text")
    assert shown.text_content() == NASTY
    made = requests.post(
        f"{visit.base_url}/v1/posts/{id}/share-links", headers=anna.headers, timeout=30
    )
    for where in ("gallery", "share link"):
        assert visit.page.evaluate("window.hacked") is None, where
        assert visit.page.locator("[onerror]").count() == 0, where
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390, where
        visit.page.goto(made.json()["url"])
    assert visit.page.locator(".text").text_content() == NASTY
    expect(visit.page.locator(".whole")).to_have_js_property("naturalWidth", 67)
    visit.assert_quiet()


def test_more_than_a_page_of_posts_is_fetched_piece_by_piece(visit: Visit, anna: Account) -> None:
    data = small()
    for number in range(26):
        posted(visit.base_url, anna, f"Number {number} of {anna.name}", data)
    visit.page.goto(f"{visit.base_url}/gallery")
    expect(visit.page.locator(".posts > li")).to_have_count(24)
    visit.page.get_by_role("button", name="More").click()
    expect(post_of(visit, f"Number 0 of {anna.name}")).to_have_count(1)
    for number in range(26):
        assert post_of(visit, f"Number {number} of {anna.name}").count() == 1
    visit.assert_quiet()


def test_an_old_token_is_renewed_in_passing(visit: Visit, anna: Account) -> None:
    visit.page.goto(f"{visit.base_url}/gallery")
    log_in(visit, anna)
    expect(visit.page.locator("#who bdi")).to_have_text(anna.name)
    visit.page.evaluate(SPOIL)
    with visit.page.expect_response("**/v1/token/refresh") as renewed:
        visit.page.reload()
    assert renewed.value.status == 200
    expect(visit.page.locator("#who bdi")).to_have_text(anna.name)
