"""Forms as clients send them: file names in any encoding, texts in declared ones, odd parts."""

import json
import uuid
from typing import Any

import pytest

from api.http.body.multipart import MAX_PARTS, parse
from common.errors import Malformed
from tests.support.abuse.bad_requests import BASE64, PHOTO, PREDICTIONS, check_problem, post
from tests.support.http.accounts import Account, sign_up
from tests.support.http.raw import BOUNDARY, JPEG, MULTIPART, Answer, exchange, request

IMAGES, POSTS, FILE = "/v1/images", "/v1/posts", b'form-data; name="file"; filename="a.jpg"'
LINES_BEFORE = b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: "


def body(*parts: tuple[bytes, bytes]) -> bytes:
    """A form of parts as (what follows `Content-Disposition: `, content)."""
    sent = b"".join(LINES_BEFORE + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return sent + b"--" + BOUNDARY.encode() + b"--\r\n"


def send(
    url: str, *parts: tuple[bytes, bytes], path: str = IMAGES, headers: dict[str, str] | None = None
) -> Answer:
    return exchange(url, request("POST", path, MULTIPART | (headers or {}), body(*parts)))


def text(name: str, value: bytes, more: bytes = b"") -> tuple[bytes, bytes]:
    return f'form-data; name="{name}"'.encode() + more, value


@pytest.fixture(scope="module")
def anna(url: str) -> Account:
    return sign_up(url)


NAMES = [
    (b'filename="caf\xe9.jpg"', "caf\ufffd.jpg"),
    (b'filename="\x93\xfa\x96{.jpg"', "\ufffd\ufffd\ufffd{.jpg"),
    (b'filename="' + "照片.jpg".encode("gbk") + b'"', None),
    ('filename="café 😀.jpg"'.encode(), "café 😀.jpg"),
    (b"filename*=UTF-8''caf%C3%A9.jpg", "café.jpg"),
    (b"filename*=iso-8859-1'en'caf%E9.jpg", "café.jpg"),
    (b"filename=\"a.jpg\"; filename*=UTF-8''caf%C3%A9.jpg", "café.jpg"),
    (b"filename*=UTF-8''%FF%FE.jpg", None),
    (b"filename*=shift_jis''%93%FA.jpg", None),
    (b'filename*0="ca"; filename*1="t.jpg"', "cat.jpg"),
    (b'filename="=?UTF-8?B?Y2Fmw6kuanBn?="', "café.jpg"),
    (b'filename="=?iso-8859-1?Q?caf=E9=2Ejpg?="', "café.jpg"),
    (b'filename="=?x?B?!?="', None),
    ('filename="É\u0089cole.jpg"'.encode(), "École.jpg"),
    (b'filename="Icon\r"', "Icon"),
    (b'filename="a\tb\x00\x1c.jpg"', "ab.jpg"),
    ("filename=\"a\x85b\u2028.jpg\"".encode(), "ab.jpg"),
    (b'filename="a\\"b.jpg"', 'a"b.jpg'),
    (b'filename="a%22b.jpg"', 'a"b.jpg'),
    (b'filename="C:\\photos\\cat.jpg"', "cat.jpg"),
    (b'filename="/tmp/../cat.jpg"', "cat.jpg"),
    (b'filename="photo\\"', "image.jpg"),
    (b'filename="photo.jpg', "photo.jpg"),
    ("filename=日本.jpg".encode(), "日本.jpg"),
    ('filename="\u202egpj.exe"'.encode(), "gpj.exe"),
    (b'filename="' + b"x" * 10_000 + b'.jpg"', "x" * 251 + ".jpg"),
    (b'filename="' + ("a" + "\u0301" * 10_000).encode() + b'"', None),
    (b"filename=x.jpg", "x.jpg"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kept"), NAMES, ids=[ascii(name)[:60] for name, _ in NAMES])
def test_a_photograph_is_taken_whatever_its_name(url: str, name: bytes, kept: str | None) -> None:
    answer = send(url, (b'form-data; name="file"; ' + name, PHOTO))
    assert answer.status == 201, answer.body
    shown = answer.json()["file_name"]
    assert 0 < len(shown) <= 255
    assert shown == kept if kept else shown.isprintable()


@pytest.mark.parametrize(
    ("query", "kept"),
    [("caf%E9.jpg", "caf\ufffd.jpg"), ("a%00b.jpg", "ab.jpg"), ("a+b%2B.jpg", "a b+.jpg"),
     ("%C3%83%C2%89cole.jpg", "Ãcole.jpg")],
)  # fmt: skip
def test_a_name_in_the_query_is_cleaned_too(url: str, query: str, kept: str) -> None:
    answer = exchange(url, post(PHOTO, f"{IMAGES}?name={query}", JPEG))
    assert (answer.status, answer.json()["file_name"]) == (201, kept)


@pytest.mark.parametrize("name", ["\u00c3\u0089cole.jpg", "a\x00b", "\ud83d", "x" * 10_000])
@pytest.mark.parametrize("path", [IMAGES, "/inference/image"])
def test_a_name_in_json_is_cleaned_too(url: str, name: str, path: str) -> None:
    sent = json.dumps({"name": name, "data": BASE64}).encode()
    assert exchange(url, post(sent, path)).status in (200, 201)


TEXTS = [  # what is sent as the text of a post, with what is said of its encoding; what is kept
    ("café", [("text", "café".encode(), b"")]),
    ("café", [("text", b"caf\xe9", b"\r\nContent-Type: text/plain; charset=iso-8859-1")]),
    ("café", [("text", b"caf\xe9", b'\r\nContent-Type: text/plain; charset="Windows-1252"')]),
    ("日本", [("text", b"\x93\xfa\x96{", b"\r\nContent-Type: text/plain; charset=Shift_JIS")]),
    ("café", [("_charset_", b"iso-8859-1", b""), ("text", b"caf\xe9", b"")]),
    ("café", [("text", b"caf\xe9", b""), ("_charset_", b"iso-8859-1", b"")]),
    ("café", [("_charset_", b"UTF-8", b""), ("text", "café".encode(), b"")]),
    (None, [("text", b"caf\xe9", b"")]),
    (None, [("text", b"caf\xe9", b"\r\nContent-Type: text/plain; charset=utf-7")]),
    (None, [("text", b"caf\xe9", b"\r\nContent-Type: text/plain; charset=x")]),
    (None, [("text", b"caf\xe9", b"\r\nContent-Type: text/plain; charset=zlib")]),
    (None, [("_charset_", b"rot13", b""), ("text", b"caf\xe9", b"")]),
    (None, [("text", b"\xed\xa0\x80", b"")]),
]  # fmt: skip


@pytest.mark.parametrize(("kept", "parts"), TEXTS, ids=[str(n) for n in range(len(TEXTS))])
def test_a_text_is_right_or_refused(
    url: str, anna: Account, kept: str | None, parts: list[tuple[str, bytes, bytes]]
) -> None:
    sent = [text(*part) for part in parts]
    answer = send(url, *sent, (FILE, PHOTO), path=POSTS, headers=anna.headers)
    if kept is None:
        said = check_problem(answer, 422)
        assert (said["code"], list(said["errors"])) == ("text_encoding", ["text"])
    else:
        assert (answer.status, answer.json().get("text")) == (201, kept), answer.body


@pytest.mark.parametrize(
    "target", ["/v1/search?query=caf%E9", "/v1/posts?user=%FF", "/v1/tasks?x=%80"]
)
def test_a_query_that_is_not_utf_8_is_refused(url: str, target: str) -> None:
    said = check_problem(exchange(url, request("GET", target)), 422)
    assert "UTF-8" in said["detail"]


NAMELESS = [b"form-data", b'form-data; name="note\\"', b"form-data; name", b'form-data; name=""']


@pytest.mark.parametrize("head", NAMELESS)
@pytest.mark.parametrize("path", [IMAGES, PREDICTIONS + "?task=classify", POSTS])
@pytest.mark.parametrize("keyed", [False, True])
def test_a_part_without_a_name_is_refused(
    url: str, anna: Account, head: bytes, path: str, keyed: bool
) -> None:
    headers = anna.headers | ({"Idempotency-Key": uuid.uuid4().hex} if keyed else {})
    for extra in ((head, b"x"), (head.partition(b";")[0] + b'; filename="b.jpg"', PHOTO)):
        answer = send(url, (FILE, PHOTO), extra, path=path, headers=headers)
        assert check_problem(answer, 422)["code"] == "part_nameless"


def test_the_classifier_passes_over_parts_without_a_name(url: str, anna: Account) -> None:
    parts = [(head, b"x") for head in NAMELESS]
    answer = send(url, *parts, (FILE, PHOTO), path="/predict", headers=anna.headers)
    assert answer.status == 200, answer.body


def test_forms_are_read_as_they_are_written() -> None:
    lines = {"\r\n": b"\r\n", "\n": b"\n"}
    for end in lines.values():
        raw = end.join([
            b"preamble", b"--b", b'Content-Disposition: form-data; name="a"', b"", b"", b"--b  ",
            b"content-disposition: form-data;", b' name="b"', b"", b"--bc" + end + b"x-", b"--b",
            b'Content-Disposition: form-data; name="f"; filename=""', b"", b"\0" * 9, b"--b--",
            b"epilogue",
        ])  # fmt: skip
        read = parse(raw, "b")
        assert [(part.name, read.text(part)) for part in read.texts] == [
            ("a", ""), ("b", f"--bc{end.decode()}x-"),
        ]  # fmt: skip
        assert [(part.name, part.file_name, part.data) for part in read.files] == [
            ("f", "", b"\0" * 9)
        ]


BROKEN: list[Any] = [
    b"", b"--b", b"--b\r\n", b"--b\r\nContent-Disposition: form-data\r\n\r\n", b"x--b--",
    b"--b\r\n\r\n\r\n\r\n--b--", b"--b\r\nA: b\r\n\r\nx\r\n--b--", b"--b--x",
    b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b",
    b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx--b--",
]  # fmt: skip


@pytest.mark.parametrize("raw", BROKEN)
def test_a_broken_form_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        parse(raw, "b")
    assert caught.value.code == "multipart"


def test_a_form_has_a_hundred_parts_at_most(url: str) -> None:
    parts = [text(f"field{number}", b"") for number in range(MAX_PARTS)]
    assert send(url, *parts).status == 422
    assert check_problem(send(url, *parts, (FILE, PHOTO)), 413)["code"] == "too_large"
