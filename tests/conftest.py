"""Fixtures for all tests: the plugins that know the servers, the tables and the services."""

pytest_plugins = ["tests.backends", "tests.s3", "tests.tables", "tests.predicting"]
