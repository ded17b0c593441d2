"""How a URL's scheme picks its adapter."""

import subprocess
import sys

import pytest

from common.adapter_schemes import open_by_scheme
from common.errors import SettingsError

ADAPTERS = {"fraction": "fractions:Fraction", "split": "shlex:split", "none": "no.such:module"}


def test_the_adapter_is_called_with_the_url_and_the_arguments() -> None:
    assert open_by_scheme("split://a b", ADAPTERS, False, setting="X_URL") == ["split://a", "b"]


def test_the_scheme_is_read_in_any_case() -> None:
    assert open_by_scheme("SPLIT://a", ADAPTERS, setting="X_URL") == ["SPLIT://a"]


@pytest.mark.parametrize(
    "url", ["", "split", "split:a", "/secret/folder", "ftp://user:secret@host", "://secret"]
)
def test_an_unknown_scheme_is_refused_with_the_known_ones_and_without_the_url(url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        open_by_scheme(url, ADAPTERS, setting="X_URL")
    assert refusal.value.detail == "X_URL must begin with one of: fraction://, none://, split://"


def test_only_the_chosen_module_is_imported() -> None:
    program = (
        "import sys; from common.adapter_schemes import open_by_scheme;"
        f"open_by_scheme('split://a', {ADAPTERS!r}, setting='X_URL');"
        "assert 'shlex' in sys.modules and 'fractions' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_opening_a_folder_imports_neither_s3_nor_a_broker() -> None:
    program = (
        "import sys, tempfile; from common.storage import open_storage;"
        "assert 'obstore' not in sys.modules;"
        "open_storage(f'file://{tempfile.mkdtemp()}');"
        "assert 'common.storage.folder' in sys.modules and 'pika' not in sys.modules;"
        "assert 'common.storage.s3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
