"""Files for one user alone, folders on other machines, and variables that Kubernetes sets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.file_systems import file_system_of, is_network
from common.settings import Settings
from tests.support.checkout import CHECKOUT
from tests.support.http.calls import get
from tests.support.services.idle_api import only_api
from tests.support.services.processes import standalone
from tests.support.services.served import models as models

pytestmark = pytest.mark.slow

MOUNTS = r"""sysfs /sys sysfs rw 0 0
/dev/vda1 / ext4 rw 0 0
nas:/a /srv nfs4 rw 0 0
/dev/vdb1 /srv/local xfs rw 0 0
//nas/b /srv/local/with\040space cifs rw 0 0
u@h: /home/u/remote fuse.sshfs rw 0 0
/dev/vdc1 /twice ext4 rw 0 0
nas:/c /twice nfs rw 0 0
odd line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/data", "nfs4"),
        ("/srvother", "ext4"),
        ("/srv/local/a", "xfs"),
        ("/srv/local/with space/a", "cifs"),
        ("/home/u/remote/a", "fuse.sshfs"),
        ("/twice/a", "nfs"),
    ],
)
def test_the_longest_mount_point_says_the_file_system(
    folder: str, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert file_system_of(Path(folder), tmp_path / "mounts") == kind
    assert is_network(kind) == (kind not in ("ext4", "xfs"))


def test_without_a_list_of_mounts_nothing_is_claimed(tmp_path: Path) -> None:
    assert file_system_of(tmp_path, tmp_path / "none") == ""
    assert not is_network("")


def test_sqlite_on_a_network_file_system_is_told(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(f"/dev/a / ext4 rw 0 0\nnas:/a {tmp_path} nfs4 rw 0 0\n")
    program = (
        "import sys; from pathlib import Path; from common.observability.logs import configure\n"
        "from common.settings import Settings; from common.startup_checks import warn\n"
        "configure('info', 'json')\n"
        "warn(Settings.from_env({'DATA_DIR': sys.argv[1]}), {}, Path(sys.argv[1], 'mounts'))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    line = json.loads(done.stderr)
    assert (line["level"], line["file_system"]) == ("warning", "nfs4")
    assert "network file system" in line["event"]


@pytest.mark.parametrize("link", ["tcp://10.96.0.1:9100", "udp://[fd00::1]:53", "tcp://metrics:1"])
def test_a_service_link_is_no_setting(link: str) -> None:
    assert Settings.from_env({"METRICS_PORT": link}).metrics_port is None


def test_a_service_link_is_told_and_ignored(tmp_path: Path) -> None:
    with only_api(tmp_path, METRICS_PORT="tcp://10.96.0.1:9100") as api:
        assert get(f"{api.base_url}/healthz").ok
        assert '"variable": "METRICS_PORT"' in api.log.read_text()


@pytest.mark.parametrize("name", ["a b", "100%25", "a#b", "a?b=c", "a%b", "Bilder \u00e4", "a{b}"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    environ = {"DATA_DIR": str(folder)}
    program = (
        "from common.settings import Settings; from common.services import open_services\n"
        "from migrations.__main__ import main; import os\n"
        "assert main([]) == 0\n"
        "with open_services(Settings.from_env()) as s: s.storage.put('a/b', b'x')\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=CHECKOUT, env=environ, check=True, timeout=120)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (folder / "afterimage.db").stat().st_size > 0
    assert (folder / "objects" / "a" / "b").read_bytes() == b"x"


def test_standalone_works_in_a_folder_with_an_odd_name(tmp_path: Path, models: str) -> None:
    folder = tmp_path / "a b#c?d%25"
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        assert get(f"{running.base_url}/v1/search?query=cat").ok
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]
    made = {each.name for each in folder.iterdir()}
    assert {"afterimage.db", "objects", "index", "jwt-secret"} <= made


def test_files_are_for_their_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with only_api(folder) as api:  # which migrates there first
        assert get(f"{api.base_url}/readyz?for=uploads").ok
        for name in ("afterimage.db", "afterimage.db-wal", "jwt-secret", "objects"):
            assert (folder / name).stat().st_mode & 0o077 == 0, name


def test_files_of_an_older_installation_are_made_private(tmp_path: Path) -> None:
    with only_api(tmp_path):
        pass
    for name, mode in (("afterimage.db", 0o644), ("objects", 0o755)):
        (tmp_path / name).chmod(mode)
    with only_api(tmp_path):
        for name in ("afterimage.db", "objects"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_request_is_logged_with_its_address(tmp_path: Path) -> None:
    with only_api(tmp_path) as api:
        get(f"{api.base_url}/v1/tasks")
        lines = [json.loads(each) for each in api.log.read_text().splitlines() if each[:1] == "{"]
    [line] = [each for each in lines if each.get("path") == "/v1/tasks"]
    assert line["address"] == "127.0.0.1"
    assert "account" not in line
