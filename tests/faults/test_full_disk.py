"""DATA_DIR on a disk without a free block: the service starts, reads, says so, and recovers."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.test_logs import logging_to
from tests.support.http.calls import finished, forms, get, post, until
from tests.support.images.pictures import encode, picture

PHOTO = encode(picture(), "JPEG")
LARGE = encode(picture("RGB", (2000, 1500)), "PNG")
SIZE = "24m"
SOON = 30  # seconds


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Up to the last byte; `ballast` is a part that can be freed."""
    (disk / "ballast").write_bytes(bytes(4_000_000))
    with (disk / "rest").open("wb", buffering=0) as rest, contextlib.suppress(OSError):
        while rest.write(bytes(65536)):
            pass


def test_a_killed_service_starts_on_a_full_disk(disk: Path, tmp_path: Path, models: str) -> None:
    data = disk / "data"
    log = (tmp_path / "log").open("ab")
    with log, logging_to(log.fileno(), data, models) as first:
        image = post(f"{first.base_url}/v1/images", **forms(PHOTO)["raw"]).json()["id"]
        first.kill()
    fill(disk)
    log = (tmp_path / "log").open("ab")
    with log, logging_to(log.fileno(), data, models, migrate=False) as second:
        url = second.base_url
        answer = get(f"{url}/readyz?for=uploads")
        assert answer.status_code == 503
        assert answer.json()["checks"]["storage"] != "ok"
        assert get(f"{url}/v1/images/{image}/content").content == PHOTO
        refused = requests.post(f"{url}/v1/images", timeout=30, **forms(LARGE)["raw"])
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
        (disk / "ballast").unlink()
        until(lambda: get(f"{url}/readyz").ok, SOON, "ready")
        asked = {"task": "classify", "image_id": image}
        id = post(f"{url}/v1/predictions", json=asked).json()["id"]
        assert finished(url, [id], seconds=SOON)[id]["status"] == "succeeded"
        assert not list(data.rglob("*#*")), "half-written files"
