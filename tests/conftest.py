"""Fixtures for all tests: the plugins that know the servers, the tables and the services."""

pytest_plugins = [
    "tests.support.servers.backends",
    "tests.support.servers.s3",
    "tests.support.rows.databases",
    "tests.support.rows.prediction_steps",
]
