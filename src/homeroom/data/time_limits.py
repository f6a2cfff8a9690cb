"""How long whoever serves waits for the database: a server that is frozen answers nothing, not even no.

Used where requests are answered (`homeroom.wsgi`), not by commands: a restore or a migration may take its
time.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect

RV = TypeVar("RV")

# The server gives up first, so that its own word (which statement, which lock) is what the log says.
_GRACE_S = 2


def limit_waiting(engine: Engine, *, timeout_s: float, lock_timeout_s: float) -> None:
    """Bound every statement, every wait for a lock, and every wait for the server itself (PostgreSQL).

    A server process that is stopped (SIGSTOP, a frozen disk) keeps its side of TCP alive, so neither
    keep-alives nor `statement_timeout` end the wait; the limit here does, and closes the connection.
    """
    if engine.dialect.name != "postgresql":
        return

    class LimitedConnection(psycopg.Connection[Any]):
        def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
            limit_s = timeout if timeout is not None else timeout_s + _GRACE_S
            try:
                return super().wait(gen, interval, limit_s)
            except psycopg.OperationalError as error:
                if error.sqlstate is None:
                    # In the middle of something, or broken: of no use to the next one.
                    self.pgconn.finish()
                raise

    def connect(_dialect: Dialect, _record: object, arguments: list[Any], options: dict[str, Any]) -> Any:
        return LimitedConnection.connect(*arguments, **options)

    def set_limits(connection: psycopg.Connection[Any], _record: object) -> None:
        with connection.cursor() as cursor:
            # Not as start-up options, which PgBouncer refuses.
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false), "
                "set_config('idle_in_transaction_session_timeout', %s, false)",
                [_ms(timeout_s), _ms(min(lock_timeout_s, timeout_s)), _ms(2 * timeout_s)],
            )
        connection.commit()

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", set_limits)


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
