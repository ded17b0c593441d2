"""Connections to a MariaDB that offers TLS: encrypted, and verified where a setting says so."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from common.database.session import DatabaseUnavailable, open_database, read
from tests.support.servers.backends import missing
from tests.support.servers.private import RunningServer, mariadb_program, start_mariadb

pytestmark = pytest.mark.faults


def new_certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for `localhost`, with its key beside it."""
    certificate = folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    options = ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificates"), "server")


@pytest.fixture(scope="module")
def server(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    if not mariadb_program():
        missing("there is no mariadbd here")
    options = [f"--ssl-cert={certificate}", f"--ssl-key={certificate.with_suffix('.key')}"]
    folder = tmp_path_factory.mktemp("mariadb")
    with start_mariadb(folder, durable=False, more_options=options) as running:
        yield running


def ciphers(url: str, connections: int = 1) -> list[str]:
    """The TLS cipher of each of `connections` connections; "" for one that is not encrypted."""
    sessions = open_database(url, connections)
    statement = text("SHOW STATUS LIKE 'Ssl_cipher'")
    try:
        return [str(read(sessions, lambda each: each.execute(statement).one()[1]))
                for _ in range(connections)]  # fmt: skip
    finally:
        sessions.close()


def test_connections_are_encrypted_without_a_setting(server: RunningServer) -> None:
    assert all(ciphers(server.url, 3))


def test_connections_share_one_tls_context(server: RunningServer) -> None:
    sessions = open_database(server.url, 4)
    engine = sessions.write.kw["bind"]
    with engine.connect() as one, engine.connect() as other:
        contexts = [each.connection.driver_connection.ctx for each in (one, other)]
    sessions.close()
    assert contexts[0] is contexts[1]


def test_a_named_authority_is_verified(
    server: RunningServer, certificate: Path, tmp_path: Path
) -> None:
    assert all(ciphers(f"{server.url}&ssl_ca={certificate}&ssl_check_hostname=false"))
    stranger = new_certificate(tmp_path, "stranger")
    with pytest.raises(DatabaseUnavailable):
        ciphers(f"{server.url}&ssl_ca={stranger}&ssl_check_hostname=false")
