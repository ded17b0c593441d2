"""The commands of docs/api-tour.md, run in order by bash and curl against a standalone service."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.support.servers.backends import missing
from tests.support.services.processes import standalone

pytestmark = pytest.mark.slow

TOUR = ROOT / "docs" / "api-tour.md"
SECONDS = 180
EXPECTED = (
    '"name":"Egyptian cat"', '"polygons":', '"cached":true', '"task":"caption"', '"hint":',
    '"email":"ada@example.org"', '"file_name":"kitten.jpg"', '"custom_id": "b"', '"likes":1',
    '"secret":"whsec_', '"url":', '"recorded":1', '"count":20', '"code": "prediction_not_found"',
)  # fmt: skip
# Any status of 400 or more ends the script, unless the command says `|| true`.
PREAMBLE = """set -euo pipefail
curl() { command curl -sS --fail-with-body --max-time 60 "$@"; echo; }
"""


def script_of(document: Path) -> str:
    """Return the shell blocks of a document as one script."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", document.read_text(), re.DOTALL | re.M))


def test_the_script_stops_at_an_error(tmp_path: Path) -> None:
    done = run("curl http://127.0.0.1:9/ | cat\necho continued", tmp_path, URL="")
    assert done.returncode != 0
    assert "continued" not in done.stdout


def test_the_tour_works(tmp_path: Path, models: str, cat: bytes) -> None:
    (tmp_path / "cat.jpg").write_bytes(cat)
    with standalone(tmp_path / "service", MODEL_MIRROR="", MODEL_DIR=models) as service:
        done = run(script_of(TOUR), tmp_path, URL=service.base_url)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    for text in EXPECTED:
        assert text in done.stdout, text
    for file in ("copy.jpg", "thumbnail.jpg", "preview.jpg", "blurred.jpg", "metrics.txt"):
        assert (tmp_path / file).stat().st_size > 1000, file


def run(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script in `folder`; `environ` is added to the environment."""
    bash, curl = shutil.which("bash"), shutil.which("curl")
    if not (bash and curl):
        missing("bash or curl is not installed")
    return subprocess.run(
        [str(bash), "-c", PREAMBLE + script],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
