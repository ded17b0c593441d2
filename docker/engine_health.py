"""Health check of an engine's container: exits with 0 if its heartbeat is in the database.

Problems of its tasks, such as a missing model, are reported by the API's /readyz: an engine without
models is healthy and continues once they are installed. Only the database driver is imported,
because the check runs all the time and SQLAlchemy's import would triple its CPU time.
"""

import os
import socket
import sys
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import pymysql

SILENT = 10  # seconds, as in common/running_engines.py
HEARTBEAT = (
    "SELECT 1 FROM engines"
    " WHERE name LIKE %s AND seen_at > UTC_TIMESTAMP(6) - INTERVAL %s SECOND LIMIT 1"
)


def check() -> str:
    """What is wrong, or nothing.

    Raises pymysql.Error when the database does not answer, OSError when the file of its address
    cannot be read.
    """
    url = database()
    connection = pymysql.connect(
        host=url.hostname or "localhost",
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        database=url.path.strip("/"),
        connect_timeout=3,
        read_timeout=3,
    )
    with connection, connection.cursor() as cursor:
        beats = cursor.execute(HEARTBEAT, (f"{socket.gethostname()}:%", SILENT))
    return "" if beats else f"no heartbeat for {SILENT} seconds"


def database() -> SplitResult:
    """DATABASE_URL, or what is in the file DATABASE_URL_FILE, as in common/settings.py."""
    said = os.environ.get("DATABASE_URL", "").strip()
    return urlsplit(said or Path(os.environ["DATABASE_URL_FILE"]).read_text().strip())


if __name__ == "__main__":
    try:
        sys.exit(check() or 0)
    except (pymysql.Error, OSError) as error:
        sys.exit(f"database: {error}")
