"""The way to a receiver: the address that was checked, the name that was given, nothing between."""

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.webhooks.schedule import Timing
from engine.webhooks.sender import Answer, Sender
from tests.support.webhooks.receivers import LOOPBACK, Sink, endless_body, hang, sinking

TIMING = Timing(connect=2, whole=5)
HEADERS = {"webhook-id": "1"}


class Names:
    """A resolver: each look-up of a name gives the next of its answers, the last one for ever."""

    def __init__(self, **answers: list[list[str]]):
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        found = self.answers.get(host.replace(".", "_"))
        if not found:
            raise socket.gaierror("unknown")
        addresses = found.pop(0) if len(found) > 1 else found[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as found:
        yield found


def post(sink: Sink, names: Names, allowed: Any = LOOPBACK, tls: Any = None) -> Answer:
    scheme = "https" if tls else "http"
    sender = Sender(TIMING, allowed, names, tls)
    return sender.send(f"{scheme}://hooks.test:{sink.port}/hook?a=b%20c", dict(HEADERS), b"{}")


def test_a_name_is_resolved_once_and_kept(sink: Sink) -> None:
    names = Names(hooks_test=[["127.0.0.1"], ["10.0.0.1"]])
    assert post(sink, names) == Answer(204)
    assert names.asked == ["hooks.test"]
    [got] = sink.got
    assert got.headers["host"] == f"hooks.test:{sink.port}"
    assert got.path == "/hook?a=b%20c"
    assert got.body == b"{}"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"],
     ["fe80::1%1"], ["2002:7f00:1::"]],
)  # fmt: skip
def test_every_address_of_a_name_must_be_permitted(sink: Sink, addresses: list[str]) -> None:
    answer = post(sink, Names(hooks_test=[addresses]), allowed=())
    assert answer == Answer(None, "the host's address is not a public one")
    assert sink.got == []


def test_a_private_address_beside_an_allowed_one_is_refused(sink: Sink) -> None:
    answer = post(sink, Names(hooks_test=[["127.0.0.1", "10.0.0.1"]]))
    assert answer == Answer(None, "the host's address is not a public one")
    assert sink.got == []


@pytest.mark.parametrize("names", [Names(), Names(hooks_test=[[]])])
def test_a_name_without_an_address_is_a_failure(sink: Sink, names: Names) -> None:
    assert post(sink, names) == Answer(None, "the host's name cannot be resolved")


def test_the_next_address_is_tried_when_one_refuses(sink: Sink) -> None:
    assert post(sink, Names(hooks_test=[["127.0.0.9", "127.0.0.1"]])) == Answer(204)


def test_nobody_listening_is_a_failure(sink: Sink) -> None:
    assert post(sink, Names(hooks_test=[["127.0.0.9"]])) == Answer(None, "no connection")


def test_the_system_resolves_names_too(sink: Sink) -> None:
    sender = Sender(TIMING, LOOPBACK)
    assert sender.send(f"http://127.1:{sink.port}/hook", {}, b"{}") == Answer(204)
    refused = Sender(TIMING, ()).send(f"http://localhost:{sink.port}/hook", {}, b"{}")
    assert refused == Answer(None, "the host's address is not a public one")


def test_proxies_and_passwords_of_the_environment_are_not_used(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    with sinking() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NETRC", str(netrc))
        assert post(sink, Names(hooks_test=[["127.0.0.1"]])) == Answer(204)
        assert proxy.got == []
    assert "authorization" not in sink.got[0].headers


def test_a_slow_look_up_counts_into_the_attempt(sink: Sink) -> None:
    def slow(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        time.sleep(0.3)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    answer = Sender(Timing(whole=0.2), LOOPBACK, slow).send(
        sink.url.replace("127.0.0.1", "hooks.test"), {}, b""
    )
    assert answer == Answer(None, "no connection in time")
    assert sink.got == []


def test_an_attempt_ends_in_time(sink: Sink) -> None:
    sink.otherwise = {"/hook": hang}
    started = time.monotonic()
    answer = Sender(Timing(whole=0.5), LOOPBACK).send(sink.url, {}, b"{}")
    assert answer == Answer(None, "no answer in time")
    assert 0.5 <= time.monotonic() - started < 10


def test_little_is_read_of_a_huge_answer(sink: Sink) -> None:
    sink.otherwise = {"/hook": endless_body}
    assert Sender(Timing(whole=60), LOOPBACK).send(sink.url, {}, b"{}") == Answer(200)


# ---- TLS


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext, list[str | None]]:
    """Contexts of a server that is hooks.test and of a client that believes it, and the names that
    clients asked the server for.
    """
    path = tmp_path / "hooks.pem"
    path.write_bytes(certificate("hooks.test"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    return server, ssl.create_default_context(cafile=str(path)), asked


def certificate(name: str) -> bytes:
    """A key and a self-signed certificate for it, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, form, plain) + made.public_bytes(pem)


def test_tls_is_with_the_name_though_the_connection_is_to_the_address(authority: Any) -> None:
    server, client, asked = authority
    with sinking(tls=server) as sink:
        assert post(sink, Names(hooks_test=[["127.0.0.1"]]), tls=client) == Answer(204)
    assert asked == ["hooks.test"]
    assert sink.got[0].headers["host"] == f"hooks.test:{sink.port}"


def test_a_certificate_of_another_name_is_a_failure(authority: Any) -> None:
    server, client, _ = authority
    with sinking(tls=server) as sink:
        url = f"https://other.test:{sink.port}/hook"
        answer = Sender(TIMING, LOOPBACK, Names(other_test=[["127.0.0.1"]]), client).send(
            url, {}, b"{}"
        )
        assert answer == Answer(None, "TLS: CERTIFICATE_VERIFY_FAILED")
        assert sink.got == []


def test_a_certificate_of_nobody_known_is_a_failure(authority: Any) -> None:
    server, _, _ = authority
    with sinking(tls=server) as sink:
        standard = Sender(TIMING, LOOPBACK, Names(hooks_test=[["127.0.0.1"]]))
        answer = standard.send(f"https://hooks.test:{sink.port}/hook", {}, b"{}")
    assert answer == Answer(None, "TLS: CERTIFICATE_VERIFY_FAILED")
