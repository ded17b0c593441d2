"""Finished predictions in a database, with their images and objects: made by the database itself,
from the row of a real prediction.

Ids are UUIDv7 over the last year; sha256 and cache keys are random, as real ones; every second
image has an owner, one of OWNERS.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

from sqlalchemy import Connection

from common.database.session import PATIENT, open_database
from common.tables import Prediction

OWNERS = 1_000
YEAR = 365 * 24 * 3600 * 1000  # milliseconds
AT_ONCE = 50_000  # rows of one statement
# While the rows are inserted; the settings of the measurement are restored afterwards.
LARGE = {
    "innodb_buffer_pool_size": 4 << 30,
    "innodb_log_file_size": 2 << 30,
    "innodb_flush_log_at_trx_commit": 2,
}
NUMBERS = (
    "CREATE TABLE growth_numbers (n INT PRIMARY KEY)",
    "INSERT INTO growth_numbers VALUES (1)",
)
DOUBLE = (
    "INSERT INTO growth_numbers SELECT n + {count} FROM growth_numbers WHERE n + {count} <= {rows}"
)
TEMPLATE = (
    "CREATE TABLE growth_template AS SELECT * FROM predictions"
    " WHERE task = 'classify' AND state = 'succeeded' LIMIT 1"
)
TABLES = ("objects", "images", "predictions")


def fill(url: str, rows: int, say: Callable[[str], None]) -> None:
    """Insert `rows` predictions, each of an image and an object of its own; the database must hold
    a finished classification. Raises an error of the database.
    """
    sessions = open_database(url, 1, PATIENT)
    with closing(sessions), sessions.engine.connect() as connection:
        before = {name: _global(connection, name) for name in LARGE}
        _set(connection, LARGE)
        try:
            _fill(connection, rows, say)
        finally:
            connection.rollback()
            _set(connection, before)
            connection.invalidate()  # with its switches


def _fill(connection: Connection, rows: int, say: Callable[[str], None]) -> None:
    for switch in ("foreign_key_checks", "unique_checks"):
        connection.exec_driver_sql(f"SET {switch} = 0")
    for statement in (*NUMBERS, *_doubling(rows), TEMPLATE):
        connection.exec_driver_sql(statement)
    connection.commit()
    for table, columns in _columns(rows).items():
        names, values = ", ".join(columns), ", ".join(columns.values())
        source = "growth_numbers CROSS JOIN growth_template AS t"
        insert = f"INSERT INTO {table} ({names}) SELECT {values} FROM {source} WHERE n > %s AND n <= %s"  # fmt: skip  # noqa: E501
        # The rows of `objects` are sorted by their random key.
        step, order = (rows, " ORDER BY 1") if table == "objects" else (AT_ONCE, "")
        for first in range(0, rows, step):
            connection.exec_driver_sql(insert + order, (first, first + step))
            connection.commit()
        say(f"{rows:>9,} {table}")
    connection.exec_driver_sql("DROP TABLE growth_numbers, growth_template")
    connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(TABLES)}").fetchall()


def _doubling(rows: int) -> Iterator[str]:
    count = 1
    while count < rows:
        yield DOUBLE.format(count=count, rows=rows)
        count *= 2


def _columns(rows: int) -> dict[str, dict[str, str]]:
    """By table: the columns, and the SQL expressions of their values for the number `n`."""
    moment = f"(UNIX_TIMESTAMP() * 1000 - {YEAR} + n * {YEAR // rows})"
    at = f"FROM_UNIXTIME({moment} / 1000)"
    sha256 = "UNHEX(SHA2(CONCAT('object ', n), 256))"
    image = _id("image", moment)
    owner = f"IF(MOD(n, 2), NULL, {_id('owner', '1', f'MOD(n, {OWNERS})')})"
    objects = {
        "sha256": sha256, "size": "250000", "media_type": "'image/jpeg'", "state": "'ready'",
        "created_at": at,
    }  # fmt: skip
    images = {
        "id": image, "owner_id": owner, "sha256": sha256,
        "file_name": "CONCAT('IMG_', LPAD(MOD(n, 10000), 4, '0'), '.jpg')", "width": "1280",
        "height": "720", "visibility": "IF(MOD(n, 2), 'unlisted', 'private')", "posts": "0",
        "created_at": at,
    }  # fmt: skip
    own = {
        "id": _id("prediction", moment), "owner_id": owner, "image_id": image, "sha256": sha256,
        "cache_key": "UNHEX(SHA2(CONCAT('key ', n), 256))",
    }  # fmt: skip
    times = ("created_at", "announced_at", "started_at", "finished_at", "deadline_at")
    own |= dict.fromkeys(times, at)
    template = {column.name: f"t.{column.name}" for column in Prediction.__table__.columns}
    return {"objects": objects, "images": images, "predictions": template | own}


def _id(kind: str, moment: str, number: str = "n") -> str:
    """The SQL expression of a UUIDv7 of that millisecond, whose random bits depend on `number`."""
    noise = f"MD5(CONCAT('{kind} ', {number}))"
    return (
        f"UNHEX(CONCAT(LPAD(HEX({moment}), 12, '0'), '7', LEFT({noise}, 3),"
        f" ELT(1 + MOD({number}, 4), '8', '9', 'a', 'b'), SUBSTR({noise}, 4, 15)))"
    )


def _global(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT @@GLOBAL.{name}").scalar_one())


def _set(connection: Connection, values: dict[str, int]) -> None:
    for name, value in values.items():
        connection.exec_driver_sql(f"SET GLOBAL {name} = {value}")
