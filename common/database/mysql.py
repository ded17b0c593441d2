"""Connections to MySQL and MariaDB, with their timeouts."""

import ssl
from functools import cache
from typing import Any

from pymysql.connections import Connection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

TOO_MANY_CONNECTIONS = 1040
IDLE_TRANSACTION = 10  # seconds; then MariaDB rolls it back and closes the connection
IDLE_CONNECTION = 20  # seconds; also in a transaction, which is how MySQL ends an idle one
RESERVED = 0.25  # the share of the server's connections that background work leaves free

# The idle timeouts release the row locks of a client that is frozen or whose host is gone, which
# the server would otherwise keep for hours. MariaDB executes the comment that begins with `M!`;
# MySQL, which does not have that variable, ignores it. The SQL mode is set for each connection
# because some servers truncate long texts silently or parse another dialect of SQL.
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
    """Return an engine with at most `pool` connections (0: each is closed after its use), which
    waits `patience` seconds for each answer.

    With `leaves_room` it opens no second connection while the server has few free ones.
    """
    pooled: dict[str, Any] = {
        "pool_size": pool,
        "max_overflow": 0,
        "pool_timeout": wait_for_connection,
        "pool_use_lifo": True,  # surplus connections become idle and are closed
        "pool_recycle": 1800,
    }
    engine = create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        hide_parameters=True,  # errors are logged, parameters hold secrets
        **(pooled if pool else {"poolclass": NullPool}),
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
    connect = _PoliteConnector(engine).connect if leaves_room else _connect
    event.listen(engine, "do_connect", connect)
    return engine


class _Connection(Connection):
    """A connection that shares its TLS context with others. PyMySQL creates one for each connection
    and reads the system's certificates for it, which takes 30 ms of CPU time.
    """

    def _create_ssl_ctx(self, options: Any) -> ssl.SSLContext:
        # A context with certificates of its own is cheap, and is to follow changes of their files.
        if not options:
            return _unverified_tls_context()
        context: ssl.SSLContext = super()._create_ssl_ctx(options)  # type: ignore[misc]
        return context


@cache
def _unverified_tls_context() -> ssl.SSLContext:
    """Return the context for encryption without verification, PyMySQL's default."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connect(
    _dialect: Dialect, _entry: ConnectionPoolEntry, args: list[Any], options: dict[str, Any]
) -> Any:
    return _Connection(*args, **options)


class _PoliteConnector:
    """Opens connections only while at least the share `RESERVED` of the server's stays free."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def connect(
        self,
        dialect: Dialect,
        _entry: ConnectionPoolEntry,
        args: list[Any],
        options: dict[str, Any],
    ) -> Any:
        """Return a new connection; raises the server's own error "too many connections" if it would
        take one of the reserved ones.
        """
        connection = _Connection(*args, **options)
        if not self._is_first() and not _has_free_connections(connection):
            connection.close()
            module: Any = dialect.loaded_dbapi
            raise module.OperationalError(
                TOO_MANY_CONNECTIONS, "The last free connections are reserved for the API."
            )
        return connection

    def _is_first(self) -> bool:
        """Whether this is the pool's first connection, which is always allowed: without it the
        process could do no work.
        """
        pool = self._engine.pool
        return isinstance(pool, QueuePool) and pool.checkedin() + pool.checkedout() <= 1


def _has_free_connections(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@max_connections")
        limit = int(cursor.fetchone()[0])
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        connected = int(cursor.fetchone()[1])
    return limit - connected >= limit * RESERVED


def is_timeout(error: BaseException | None) -> bool:
    """Whether the error of a connection is that an answer did not come in time."""
    cause: BaseException | None = getattr(error, "original_exception", None) or error
    while cause is not None:
        if isinstance(cause, TimeoutError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "timed out" in str(error)
