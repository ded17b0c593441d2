"""Plugins with the fixtures of all tests, and the markers that follow from folders and fixtures."""

import gc

import pytest
from hypothesis import settings

# An example takes as long as the machine lets it: other processes share the cores.
settings.register_profile("afterimage", deadline=None)
settings.load_profile("afterimage")

pytest_plugins = [
    "tests.support.servers.backends",
    "tests.support.servers.s3",
    "tests.support.rows.databases",
    "tests.support.rows.prediction_steps",
]
MARKERS_OF_FIXTURES = {
    "browser": "browser",
    "tensorflow": "tensorflow",
    "own_mariadb": "faults",
    "own_rabbitmq": "faults",
    # services of their own
    "start_api": "slow",
    "stack": "slow",
    "idle": "slow",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `tests/faults`, of Hypothesis, and those with a fixture that implies it."""
    for item in items:
        if item.nodeid.startswith("tests/faults/"):
            item.add_marker("faults")
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("fuzz")
        params = getattr(getattr(item, "callspec", None), "params", {})
        if "served" in (params.get("service"), params.get("url")) or _repeats_on_mariadb(item):
            item.add_marker("slow")
        for fixture, marker in MARKERS_OF_FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


def _repeats_on_mariadb(item: pytest.Item) -> bool:
    """Return whether a test of the HTTP edge runs for the second time, on MariaDB."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return item.nodeid.startswith("tests/api/") and params.get("sessions") == "served"


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through all collected tests again and again."""
    gc.freeze()
