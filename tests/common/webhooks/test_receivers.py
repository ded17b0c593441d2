"""What callers may name as a webhook, and the service's own secrets."""

import base64
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from common.database.session import Sessions, now, read, transact
from common.errors import InputFault
from common.tables import WebhookSecret
from common.webhooks.addresses import literal
from common.webhooks.receivers import LONGEST_URL, check_secret, check_url, host_of
from common.webhooks.secrets import ensure_roots, new_secret, rotate, valid_roots
from tests.support.webhooks.receivers import LOOPBACK


@pytest.mark.parametrize(
    ("given", "stored", "host"),
    [("https://example.com/hook?a=b#c", "https://example.com/hook?a=b", "example.com"),
     ("HTTPS://Example.COM", "https://example.com/", "example.com"),
     ("https://example.com:80/", "https://example.com:80/", "example.com"),
     ("https://example.com:8443?x", "https://example.com:8443/?x", "example.com"),
     ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example"),
     ("https://[2606:2800:220:1::1]:8443/", "https://[2606:2800:220:1::1]:8443/",
      "[2606:2800:220:1::1]"),
     ("https://8.8.8.8/", "https://8.8.8.8/", "8.8.8.8")],
)  # fmt: skip
def test_a_url_is_stored_in_its_plain_form(given: str, stored: str, host: str) -> None:
    assert check_url(given, ()) == stored
    assert check_url(stored, ()) == stored
    assert host_of(stored) == host


@pytest.mark.parametrize(
    "url",
    ["", "example.com", "//example.com/", "ftp://example.com/", "https://", "https:///x", "http:x",
     "https://user:password@example.com/", "https://user@example.com/", "https://exa mple.com/",
     "https://a..b/", "https://-a.example/", "https://example.com:0/", "https://example.com:99999/",
     "https://example.com/\n", "https://exam\u0000ple.com/", "https://e\ud800.com/",
     "https://" + "a" * 64 + ".com/", "https://" + "a." * 130 + "com/",
     "https://example.com/" + "a" * LONGEST_URL, "https://example.com/" + "ä" * 600,
     "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0/",
     "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[fe80::1%25eth0]/", "http://[::1/",
     "http://169.254.169.254/latest/", "http://10.0.0.1:80/", "http://[64:ff9b::7f00:1]/",
     "http://１２７.0.0.1/", "http://example.com/", "http://8.8.8.8/", "https://example.com:22/",
     "https://example.com:25/", "https://example.com:445/", "https://example.com:6667/"],
)  # fmt: skip
def test_a_url_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(InputFault):
        check_url(url, ())


@given(
    st.text(max_size=40), st.sampled_from(["https://{}/", "{}", "https://{}:80/x", "https://a/{}"])
)
def test_any_text_is_a_url_or_an_input_fault(text: str, form: str) -> None:
    try:
        stored = check_url(form.format(text), ())
    except InputFault:
        return
    assert stored.isascii()
    assert stored.startswith("https://")
    assert check_url(stored, ()) == stored
    assert host_of(stored) not in ("", stored)


def test_private_receivers_are_a_choice() -> None:
    assert check_url("http://127.0.0.1:8080/", LOOPBACK) == "http://127.0.0.1:8080/"
    assert check_url("http://receiver.internal:8080/", LOOPBACK), "resolved at each sending"
    for other in ("http://10.0.0.1/", "http://8.8.8.8/", "http://127.0.0.1:22/"):
        with pytest.raises(InputFault) as refused:
            check_url(other, LOOPBACK)
        assert refused.value.code == "url_not_allowed"
    assert literal("127.0.0.1") is not None


@given(st.binary(max_size=80))
def test_a_secret_holds_24_to_64_bytes(key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    if 24 <= len(key) <= 64:
        assert check_secret(secret) == secret
    else:
        with pytest.raises(InputFault):
            check_secret(secret)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "x" * 40, "whsec_" + "é" * 40, "whsec_" + "*" * 40]
)
def test_what_is_not_a_secret_is_refused(secret: str) -> None:
    with pytest.raises(InputFault):
        check_secret(secret)


def test_the_first_secret_is_made_once_by_however_many(sessions: Sessions) -> None:
    assert read(sessions, valid_roots) == []
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(transact(sessions, ensure_roots)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(each == found[0] for each in found)
    assert check_secret(found[0][0])
    assert len(found[0]) == 1


def test_a_rotated_secret_signs_for_a_day_more(sessions: Sessions) -> None:
    [first] = transact(sessions, ensure_roots)
    second = transact(sessions, rotate)
    assert read(sessions, valid_roots) == [second, first]
    assert transact(sessions, ensure_roots) == [second, first]
    retires, moment = read(
        sessions,
        lambda session: session.execute(
            select(WebhookSecret.retires_at, now()).where(WebhookSecret.secret == first)
        ).one(),
    )
    assert retires is not None
    assert 24 * 3600 - 60 < (retires - moment).total_seconds() <= 24 * 3600
    over = update(WebhookSecret).where(WebhookSecret.secret == first).values(retires_at=now(-1))
    transact(sessions, lambda session: session.execute(over))
    assert read(sessions, valid_roots) == [second]
    third = transact(sessions, rotate)
    assert read(sessions, valid_roots) == [third, second]
    rows = read(sessions, lambda session: session.scalar(select(func.count(WebhookSecret.id))))
    assert rows == 2, "what signs no more is forgotten"


def test_secrets_differ() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
