"""Migrations and tables agree, on every backend, in both directions."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from common.database.session import open_database
from common.tables import Base
from tests.support.rows.databases import run_migrations


@pytest.fixture(params=["sqlite", "served"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("database_url"))


def test_the_migrations_make_the_tables_and_unmake_them(url: str, tmp_path: Path) -> None:
    run_migrations(url, tmp_path)
    engine = open_database(url).engine
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    run_migrations(url, tmp_path, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    run_migrations(url, tmp_path)
