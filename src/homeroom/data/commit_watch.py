"""Whether anything was committed since a moment, asked of the database itself."""

import sqlite3
import threading
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection


class CommitWatch:
    """Tells whether anything was committed since a moment, where the database can tell that by itself.

    SQLite can: `PRAGMA data_version` of one connection changes when any other one has committed, of this
    process or of another: https://www.sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watches = engine.dialect.name == "sqlite"
        self._lock = threading.Lock()
        # Its numbers mean something to itself alone, so it is one connection, and it never writes.
        self._connection: PoolProxiedConnection | None = None

    def mark(self) -> int | None:
        """A number that stays the same as long as nothing is committed; None: the database must be asked."""
        if not self._watches:
            return None
        with self._lock:
            try:
                (mark,) = self._driver().execute("PRAGMA data_version").fetchone()
            except (sqlite3.Error, SQLAlchemyError):
                # Whoever asks the database next meets the same trouble, and tells it.
                return None
            return int(mark)

    def _driver(self) -> Any:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            # It stays with the watch; its place in the pool is for those who come and go.
            self._connection.detach()
        return self._connection.dbapi_connection

    def connect(self) -> Connection:
        """A connection that sees what was committed until now; on PostgreSQL for one round trip."""
        if self._watches:
            return self._engine.connect()
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
