"""Alembic's environment: the database that DATABASE_URL names, the tables of `common/tables/`."""

import os

from alembic import context

from common.database.session import PATIENT, open_database
from common.settings import Settings
from common.startup_checks import make_private
from common.tables import Base


def run() -> None:
    """Migrate in one transaction where the database can (MySQL commits each DDL by itself)."""
    settings = Settings.from_env(os.environ)
    make_private(settings.data_dir)
    engine = open_database(settings.database_url, patience=PATIENT).engine
    with engine.connect() as connection:
        context.configure(
            connection,
            target_metadata=Base.metadata,
            compare_type=True,
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
