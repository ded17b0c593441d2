"""What a real nginx answers by the error pages of service.conf when it has no room for bodies."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.house.sources import ROOT
from tests.support.http.calls import until
from tests.support.servers.programs import answers, free_ports

SERVICE = (ROOT / "docker" / "nginx" / "service.conf").read_text()
CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ }}
http {{
  access_log off; client_max_body_size 20m; client_body_temp_path {bodies};
  map "" $traced {{ default traced; }}
  server {{ listen 127.0.0.1:{api}; location / {{ return 500 "of the API"; }} }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{api}; }}
{errors}
  }}
}}
"""
ASKED = b"GET / HTTP/1.0\r\n\r\n"


def error_pages() -> str:
    """The part of service.conf that says which answers nginx gives itself."""
    rules = re.findall(r"^error_page .*$", SERVICE, re.MULTILINE)
    pages = re.findall(r"^location @\w+ \{\n(?:  .*\n)+\}", SERVICE, re.MULTILINE)
    assert rules and len(pages) == 3
    return "\n".join(rules + pages)


@contextmanager
def nginx(folder: Path, bodies: Path) -> Iterator[str]:
    """The address of an nginx in front of an API that answers 500 to everything."""
    port, api = free_ports(2)
    user = "" if os.geteuid() else "user root;"
    values = {"folder": folder, "bodies": bodies, "port": port, "api": api, "user": user}
    text = CONFIGURATION.format(errors=error_pages(), **values)
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command) as program:
        try:
            until(lambda: answers(port, ASKED), 10, "nginx")
            yield f"http://127.0.0.1:{port}"
        finally:
            program.terminate()


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[str]:
    """An nginx that has room for 1 MB of bodies."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed here")
    room = tmp_path / "room"
    room.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(room)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        with nginx(tmp_path, room) as address:
            yield address
    finally:
        subprocess.run(["umount", "-l", str(room)], check=True)


def test_a_body_that_finds_no_room_is_to_be_sent_again(crowded: str) -> None:
    refused = requests.post(crowded, data=b"\0" * 3_000_000, timeout=10)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "unavailable"


def test_an_error_of_the_api_passes_as_it_is(crowded: str) -> None:
    passed = requests.post(crowded, data=b"\0" * 500_000, timeout=10)
    assert (passed.status_code, passed.text) == (500, "of the API")
