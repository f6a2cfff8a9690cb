"""Whether a pooled connection still lives: asked where it was idle, or where the server has ended it.

SQLAlchemy's `pool_pre_ping` asks each time, which costs a round trip for each transaction.
"""

import select
import time
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

# A server that vanishes without a word, such as a machine that loses its power, is noticed after this.
PING_AFTER_S = 1.0
_GIVEN_BACK_AT = "homeroom_given_back_at"


def ping_idle_connections(engine: Engine) -> None:
    """Ask PostgreSQL before a connection is used that was idle, or that has ended; a dead one is replaced."""

    def give_back(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_GIVEN_BACK_AT] = time.monotonic()

    def take(connection: DBAPIConnection, record: ConnectionPoolEntry, _fairy: object) -> None:
        given_back_at = record.info.get(_GIVEN_BACK_AT)
        if given_back_at is None:
            # It is new.
            return
        is_recent = time.monotonic() - given_back_at < PING_AFTER_S
        if (not is_recent or _has_news(connection)) and not _lives(engine, connection):
            raise InvalidatePoolError

    event.listen(engine, "checkin", give_back)
    event.listen(engine, "checkout", take)


def _has_news(connection: object) -> bool:
    """Whether the server has sent something that nobody asked for: most of the time, that it ends."""
    assert isinstance(connection, psycopg.Connection)
    try:
        socket = connection.pgconn.socket
    except psycopg.OperationalError:
        return True
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


def _lives(engine: Engine, connection: DBAPIConnection) -> bool:
    dialect: Any = engine.dialect
    try:
        return bool(dialect.do_ping(connection))
    except psycopg.Error as error:
        if dialect.is_disconnect(error, connection, None):
            return False
        raise
