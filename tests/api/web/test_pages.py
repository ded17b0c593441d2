"""The page at / and the docs page, in a real browser against the real service."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from playwright.sync_api import Browser, Locator, Route, expect

from tests.support.http.browser import Visit, watched
from tests.support.http.browser import browser as browser
from tests.support.http.calls import CAT
from tests.support.images.pictures import encode, picture
from tests.support.servers.backends import missing
from tests.support.servers.private import find_program
from tests.support.services.processes import standalone

NASTY = """<img src=x onerror=alert(1)> it's "$(x)"; a\\b.png"""


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Visit]:
    with browser.new_context() as context:
        yield watched(context.new_page(), url)


def small() -> bytes:
    return encode(picture(), "PNG")


def new(image: bytes) -> bytes:
    """The same picture in other bytes, so that nothing is known of it."""
    return image + uuid4().bytes


# ---- the page at /


def test_a_photograph_gets_its_labels(visit: Visit, cat: bytes) -> None:
    visit.page.goto(visit.base_url)
    expect(visit.page.locator("#state")).to_have_text("Ready")
    visit.send(CAT, new(cat))
    card = visit.page.locator(".card")
    best = card.locator(".labels li").first
    expect(best).to_contain_text("Egyptian cat")
    expect(best.locator(".score")).to_have_text(re.compile(r"^\d\d%$"))
    for step in ("queue", "decode", "predict"):
        expect(card.locator(f".times dl .{step} dd")).to_have_text(re.compile(r"^[\d.]+ m?s$"))
    shown = requests.get(_address(card.get_by_role("link", name="JSON")), timeout=10).json()
    assert shown["status"] == "succeeded"
    model = shown["model"]
    expect(card.locator(".model")).to_have_text(f"{model['name']} {model['version']}")
    assert card.locator(".labels li").count() == len(shown["result"]["labels"])
    expect(visit.page.locator("#announcement")).to_contain_text("Egyptian cat")
    for count in (2, 3):
        visit.send(CAT, cat)
        expect(card).to_have_count(count)
        expect(card.first.locator(".labels li").first).to_be_visible()
    expect(card.first.locator(".model")).to_contain_text("cached result")
    visit.assert_quiet()


def _address(link: Locator) -> str:
    return str(link.evaluate("link => link.href"))


def test_several_photographs_are_dropped_and_one_is_pasted(visit: Visit) -> None:
    visit.page.goto(visit.base_url)
    visit.page.evaluate(
        """data => {
            const bytes = new Uint8Array(data);
            const send = (Event, type, holder, names) => {
                const transfer = new DataTransfer();
                for (const name of names) transfer.items.add(new File([bytes], name));
                const options = { [holder]: transfer, bubbles: true, cancelable: true };
                document.body.dispatchEvent(new Event(type, options));
            };
            send(DragEvent, "drop", "dataTransfer", ["one.png", "two.png", "three.png"]);
            send(ClipboardEvent, "paste", "clipboardData", ["four.png"]);
        }""",
        list(small()),
    )
    expect(visit.page.locator("[data-stage=answered]")).to_have_count(4)
    names = visit.page.locator(".card h3").all_text_contents()
    assert names == ["four.png", "three.png", "two.png", "one.png"]
    visit.page.get_by_role("button", name="Remove two.png").click()
    expect(visit.page.locator(".card")).to_have_count(3)
    visit.page.get_by_role("button", name="Clear").click()
    expect(visit.page.locator(".card")).to_have_count(0)
    visit.assert_quiet()


def test_a_photograph_can_be_chosen_with_the_keyboard_alone(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "square.png").write_bytes(small())
    # The first listener switches the browser's own dialog off, and nothing says when that is done.
    visit.page.on("filechooser", lambda _: None)
    visit.page.goto(visit.base_url)
    for _ in ("name", "Gallery", "API", "Tasks", "Models", "files"):
        visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_label("Choose photographs")).to_be_focused()
    with visit.page.expect_file_chooser() as chooser:
        visit.page.keyboard.press("Space")
    chooser.value.set_files(tmp_path / "square.png")
    expect(visit.page.locator(".card .labels li").first).to_be_visible()


def test_a_refusal_is_told_in_the_services_own_words(visit: Visit) -> None:
    visit.page.goto(visit.base_url)
    with visit.page.expect_response("**/v1/predictions") as answer:
        visit.send("notes.txt", b"Dear diary")
    problem = answer.value.json()
    assert answer.value.status == 415
    expect(visit.page.locator(".card .why")).to_contain_text(problem["detail"])
    expect(visit.page.locator(".card .why code")).to_have_text("image_format_not_allowed")
    expect(visit.page.get_by_role("button", name="Try again")).to_be_hidden()


def test_a_file_name_is_text_and_stays_within_the_page(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.goto(visit.base_url)
    visit.send(NASTY, small())
    visit.send("long" * 60 + ".png", small())
    expect(visit.page.locator("[data-stage=answered]")).to_have_count(2)
    assert NASTY in visit.page.locator(".card h3").all_text_contents()
    assert visit.page.locator(".card img[onerror]").count() == 0
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    visit.assert_quiet()


def test_the_curl_command_of_a_card_does_the_same(visit: Visit, tmp_path: Path) -> None:
    program = find_program("curl")
    if program is None:
        missing("curl is not installed")
    visit.page.goto(visit.base_url)
    for name in ("plain photo.png", NASTY):
        (tmp_path / name).write_bytes(small())
        visit.send(name, small())
        command = visit.page.locator(".card details code").first.text_content() or ""
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
        assert '"status":"succeeded"' in done.stdout, (command, done)


def test_a_file_that_is_gone_is_not_called_a_silent_service(visit: Visit, tmp_path: Path) -> None:
    visit.page.goto(visit.base_url)
    gone = tmp_path / "gone.png"
    gone.write_bytes(new(small()))
    visit.page.context.set_offline(True)
    visit.page.get_by_label("Choose photographs").set_input_files(gone)
    why, again = (
        visit.page.locator(".card .why"),
        visit.page.get_by_role("button", name="Try again"),
    )
    expect(why).to_contain_text("cannot be reached")
    gone.unlink()
    visit.page.context.set_offline(False)
    again.click()
    expect(why).to_contain_text("changed, moved or deleted")
    expect(again).to_be_hidden()


def test_a_lost_connection_is_asked_again(visit: Visit) -> None:
    failures = iter([True, True])

    def lose_two(route: Route) -> None:
        route.abort() if next(failures, False) else route.continue_()

    visit.page.route("**/v1/predictions/*", lose_two)
    visit.page.goto(visit.base_url)
    visit.send("square.png", new(small()))
    expect(visit.page.locator(".card .why")).to_contain_text("Trying again")
    expect(visit.page.locator(".card .labels li").first).to_be_visible()
    expect(visit.page.locator(".card .why")).to_be_hidden()


def test_what_is_missing_is_said(browser: Browser, tmp_path: Path) -> None:
    with (
        standalone(tmp_path, until="/healthz", MODEL_MIRROR="") as running,
        browser.new_context() as context,
    ):
        visit = watched(context.new_page(), running.base_url)
        visit.page.goto(running.base_url)
        expect(visit.page.locator("#state")).to_have_text("Not ready")
        expect(visit.page.locator("#missing")).to_contain_text("task classify")
        visit.send("square.png", small())
        # It waits for the model, which `make models` brings, and does not fail.
        expect(visit.page.locator("[data-stage]").first).to_have_attribute("data-stage", "waiting")
        expect(visit.page.locator(".card .answer").first).to_have_text("In the queue …")
        running.stop()
        expect(visit.page.locator("#state")).to_have_text("Unreachable")
        visit.send("square.png", small())
        expect(visit.page.get_by_role("button", name="Try again")).to_be_visible()


# ---- the docs page


@pytest.mark.parametrize(
    ("path", "fields"), [("/v1/images", {}), ("/v1/predictions", {"task": "classify"})]
)
def test_an_upload_can_be_made_from_the_docs_page(
    visit: Visit, path: str, fields: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "square.png").write_bytes(small())
    visit.page.goto(visit.base_url + "/docs")
    operation = visit.page.locator(f"[id$=-post{path.replace('/', '_')}]")
    operation.locator(".opblock-summary-control").click()
    operation.locator(".body-param-content-type select, select[aria-label]").first.select_option(
        "multipart/form-data"
    )
    operation.locator("input[type=file]").set_input_files(tmp_path / "square.png")
    with visit.page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        operation.get_by_role("button", name="Execute").click()
    assert sent.value.status in (200, 201, 202), sent.value.text()
    answer = sent.value.json()
    assert answer.items() >= fields.items()
    live = operation.locator(".live-responses-table")
    expect(live.locator(".response-col_status").last).to_contain_text(str(sent.value.status))
    expect(live).to_contain_text(answer["id"])
    visit.assert_quiet()
