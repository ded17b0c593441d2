"""Waiting for the migrations of this release, which run elsewhere: what needs them begins so."""

import os
import sys
import time
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from common.database.session import open_database
from common.settings import Settings
from common.startup_checks import make_private

PAUSE = 2.0  # seconds between two looks


def wait(ini: Path) -> None:
    """Return once the database is as new as this release; what is missing is said once."""
    settings = Settings.from_env(os.environ)
    make_private(settings.data_dir)
    said = ""
    while missing := lack(settings.database_url, ini):
        if missing != said:
            print(f"migrations: waiting, {missing}", file=sys.stderr)
        said = missing
        time.sleep(PAUSE)


def lack(url: str, ini: Path) -> str:
    """What the database at `url` lacks for this release, or nothing.

    A database that a newer release has migrated lacks nothing, so that a roll-back can start.
    """
    script = ScriptDirectory.from_config(Config(str(ini)))
    engine = open_database(url).engine
    try:
        with engine.connect() as connection:
            found = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError as error:
        return f"the database does not answer: {type(error).__name__}"
    finally:
        engine.dispose()
    known = {each.revision for each in script.walk_revisions()}
    if found == set(script.get_heads()) or found - known:
        return ""
    return f"the database is at {', '.join(sorted(found)) or 'nothing'}"
