"""Wait until another process has run the migrations of this release."""

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

PAUSE = 2.0  # seconds between two checks


def wait(ini: Path) -> None:
    """Return once the database has this release's migrations; print each reason to wait once."""
    settings = Settings.from_env(os.environ)
    make_private(settings.data_dir)
    printed = ""
    while missing := lack(settings.database_url, ini):
        if missing != printed:
            print(f"migrations: waiting, {missing}", file=sys.stderr)
        printed = missing
        time.sleep(PAUSE)


def lack(url: str, ini: Path) -> str:
    """Return what the database at `url` lacks for this release, or an empty text.

    A database that a newer release has migrated is accepted, so that an older release can start.
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
