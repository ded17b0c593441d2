"""Fixtures for all tests: the plugins that know the servers, the tables and the services."""

pytest_plugins = [
    "tests.support.backends",
    "tests.support.s3",
    "tests.support.tables",
    "tests.support.prediction_steps",
]
