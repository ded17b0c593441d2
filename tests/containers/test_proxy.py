"""nginx, asked from outside."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.containers.docker import BASE_URL, containers, inspect, said
from tests.house.compose import SERVICES
from tests.house.sources import ROOT
from tests.support.http.calls import get, until

LIMIT = 10485760 * 3 // 2 + 65536
PROBLEM = "application/problem+json"


def check(answer: requests.Response, status: int, code: str) -> None:
    """The answer is a problem as the API's are, and can be followed in the logs."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    body = answer.json()
    assert body.keys() >= {"type", "title", "status", "code", "detail", "request_id"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers.get("X-Request-Id", body["request_id"])


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/v1/../metrics"]
)
def test_metrics_are_not_shown_outside(path: str) -> None:
    request = requests.Request("GET", BASE_URL).prepare()
    request.url = BASE_URL + path  # as it stands
    with requests.Session() as session:
        assert session.send(request, timeout=10).status_code == 404


def test_metrics_are_there_inside() -> None:
    code = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:5000/metrics').status)"
    assert said("docker", "exec", containers("api")[0], "python", "-c", code) == "200"


def test_a_body_over_the_limit_is_refused_by_nginx_and_one_below_by_the_api() -> None:
    def post(size: int) -> requests.Response:
        headers = {"Content-Type": "image/jpeg", "X-Request-Id": f"body-{size}"}
        return requests.post(
            f"{BASE_URL}/v1/images", data=b"\0" * size, headers=headers, timeout=30
        )

    check(post(LIMIT + 1), 413, "too_large")
    assert post(LIMIT).headers["Content-Type"] == PROBLEM
    assert post(1000).status_code == 415
    refused = post(LIMIT + 2)
    assert refused.json()["request_id"] == f"body-{LIMIT + 2}"


def test_links_follow_the_address_that_was_asked_and_no_claim(cat: bytes) -> None:
    claims = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "99",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-For": "203.0.113.9",
    }
    url = f"{BASE_URL}/v1/predictions"
    sent = {"files": {"file": ("cat.jpg", cat)}, "data": {"task": "classify"}}
    answer = requests.post(url, headers=claims, timeout=30, **sent)  # type: ignore[arg-type]
    assert answer.json()["urls"]["get"].startswith(f"{BASE_URL}/v1/predictions/")


def test_an_address_that_asks_too_much_is_told_to_wait() -> None:
    def ask(_: int) -> requests.Response:
        return get(f"{BASE_URL}/healthz")

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(1200)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    check(refused[0], 429, "too_many_requests")
    time.sleep(int(refused[0].headers["Retry-After"]))
    assert ask(0).status_code == 200


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, as TLS_DIR has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(now - timedelta(hours=1))
    builder = builder.not_valid_after(now + timedelta(hours=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    signed = builder.add_extension(names, False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (tmp_path / "fullchain.pem").write_bytes(signed.public_bytes(pem))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "privkey.pem").write_bytes(key.private_bytes(pem, *plain))
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def with_tls(certificates: Path) -> Iterator[str]:
    """A second nginx in the stack, with certificates."""
    [network] = inspect(containers("nginx")[0])["NetworkSettings"]["Networks"]
    volumes = [f"{ROOT}/docker/nginx:/etc/afterimage:ro", f"{certificates}:/tls:ro"]
    container = said(
        *["docker", "run", "-d", "--rm", "--network", network, "--user=101:101", "--read-only"],
        *["--tmpfs=/tmp", "--cap-drop=ALL", "-p", "127.0.0.1::8443"],
        *[part for volume in volumes for part in ("-v", volume)],
        *[SERVICES["nginx"]["image"], *SERVICES["nginx"]["command"]],
    )
    try:
        port = said("docker", "port", container, "8443/tcp").rpartition(":")[2]
        yield f"https://localhost:{port}"
    finally:
        said("docker", "stop", "-t", "2", container)


def test_with_certificates_it_speaks_tls(with_tls: str, certificates: Path) -> None:
    def ask() -> requests.Response | None:
        try:
            return requests.get(
                f"{with_tls}/v1/tasks", verify=str(certificates / "fullchain.pem"), timeout=5
            )
        except requests.ConnectionError:
            return None

    answer = until(ask, 15, "an answer by TLS")
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"]
