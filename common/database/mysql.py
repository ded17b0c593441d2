"""MySQL and MariaDB: how long an answer is waited for, and how long they keep an idle client."""

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

TOO_MANY_CONNECTIONS = 1040
IDLE_TRANSACTION = 10  # seconds; then MariaDB rolls it back and closes the connection
IDLE_CONNECTION = 20  # seconds; also in a transaction, which is how MySQL ends an idle one
ROOM = 0.25  # the share of the server's connections that background work leaves free

# MariaDB executes the comment that begins with `M!`, MySQL ignores it: it has no such variable.
# A client that is frozen, or whose host is gone, would otherwise keep its row locks for hours.
# Some servers shorten texts that are too long, silently, or read SQL in a dialect of their own: the
# mode is set for each connection.
ON_CONNECT = (
    "SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', innodb_lock_wait_timeout = {lock}, wait_timeout = {connection}"
    " /*M!100300 , idle_transaction_timeout = {transaction} */"
)


def mysql(
    url: URL,
    pool: int,
    isolation: IsolationLevel,
    *,
    patience: float,
    wait_for_connection: float,
    wait_for_lock: int,
    leaves_room: bool = False,
) -> Engine:
    """An engine with at most `pool` connections (0: each is closed after its use); each answer is
    waited for `patience` seconds.

    With `leaves_room` it opens no second connection while the server has few left.
    """
    kept: dict[str, Any] = {
        "pool_size": pool,
        "max_overflow": 0,
        "pool_timeout": wait_for_connection,
        "pool_use_lifo": True,  # connections that the load does not need become idle, and close
        "pool_recycle": 1800,
    }
    engine = create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        hide_parameters=True,  # errors are logged, parameters hold secrets
        **(kept if pool else {"poolclass": NullPool}),
        pool_reset_on_return=None,  # sessions end their transactions themselves
        isolation_level=isolation,
        skip_autocommit_rollback=True,
        connect_args={
            "connect_timeout": min(patience, 3),
            "read_timeout": patience,
            "write_timeout": patience,
            "init_command": ON_CONNECT.format(
                lock=wait_for_lock, connection=IDLE_CONNECTION, transaction=IDLE_TRANSACTION
            ),
        },
    )
    if leaves_room:
        event.listen(engine, "do_connect", _Room(engine).connect)
    return engine


class _Room:
    """Opens connections while more than the share `ROOM` of the server's remain for others."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def connect(
        self,
        dialect: Dialect,
        _entry: ConnectionPoolEntry,
        args: list[Any],
        options: dict[str, Any],
    ) -> Any:
        """A new connection; raises "too many connections" as the server does when it is full."""
        connection = dialect.connect(*args, **options)
        if not self._is_first() and not _has_room(connection):
            connection.close()
            module: Any = dialect.loaded_dbapi
            raise module.OperationalError(
                TOO_MANY_CONNECTIONS, "The last free connections are left to the API."
            )
        return connection

    def _is_first(self) -> bool:
        """Without one connection no work would be done at all."""
        pool = self._engine.pool
        return isinstance(pool, QueuePool) and pool.checkedin() + pool.checkedout() <= 1


def _has_room(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_connections")
        most = int(cursor.fetchone()[0])
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        connected = int(cursor.fetchone()[1])
    return most - connected >= most * ROOM


def did_not_answer(error: BaseException | None) -> bool:
    """Whether a connection waited for an answer until its patience ended."""
    cause: BaseException | None = getattr(error, "original_exception", None) or error
    while cause is not None:
        if isinstance(cause, TimeoutError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "timed out" in str(error)
