"""How a database reads: its query plans."""

from typing import Any

from sqlalchemy import event

from common.database.session import Sessions


def plans(sessions: Sessions, work: Any) -> list[str]:
    """What EXPLAIN says of each statement with a limit that `work` sends."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        sent.append((statement, parameters))

    engine = sessions.read.kw["bind"]
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    limited = [(f"{explain} {sql}", given) for sql, given in sent if "LIMIT" in sql]
    with engine.connect() as connection:
        return [str(connection.exec_driver_sql(*each).fetchall()) for each in limited]
