"""The database: one engine for SQLite and PostgreSQL, and the one way to write."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, g, has_request_context
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Engine, MetaData, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from homeroom.config import Config, SqliteSynchronous

# Migrations need constraints that have names: https://alembic.sqlalchemy.org/en/latest/naming.html
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# How long a writer waits for another one before it gives up, in milliseconds.
BUSY_TIMEOUT_MS = 10_000
_WRITES = "homeroom_writes"
_NOT_DURABLE = "homeroom_not_durable"
# Execution options of a connection that is going to write.
WRITES = {_WRITES: True}
# The same for what may be lost when the power goes, such as counts of guesses: it need not wait for the
# disk, which takes several milliseconds. A later commit that does takes it along.
WRITES_NOT_DURABLY = {_WRITES: True, _NOT_DURABLE: True}


class Base(DeclarativeBase):
    """What every model is; our own, so that type checkers see plain SQLAlchemy."""

    metadata = MetaData(naming_convention=NAMES)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, aware and in UTC on both databases: SQLite keeps no time zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


db = SQLAlchemy(metadata=Base.metadata, disable_autonaming=True)
migrate = Migrate()


class WriteOutsideTransactionError(RuntimeError):
    """A programming error: data was about to be written outside `write_transaction()`."""

    def __init__(self) -> None:
        super().__init__("Data is written inside `with write_transaction():` only.")


@contextmanager
def write_transaction() -> Iterator[Session]:
    """One unit of writing: what is in the block is committed whole, or not at all.

    The transaction that only read so far is ended first and what it loaded is forgotten, so that the
    block sees, and decides on, what is true now. On SQLite the unit begins with BEGIN IMMEDIATE: a
    deferred transaction that turns into a writing one fails at once when another has written since,
    and pysqlite's own mode loses updates without a word.
    """
    session = db.session()
    session.rollback()
    session.connection(execution_options=WRITES)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


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
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            driver = self._connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            try:
                (mark,) = driver.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                # Whoever asks the database next meets the same trouble, and tells it.
                return None
            return int(mark)

    def connect(self) -> Connection:
        """A connection that sees what was committed until now; on PostgreSQL for one round trip."""
        if self._watches:
            return self._engine.connect()
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def init_database(app: Flask, config: Config) -> None:
    """Connect the app to its database; nothing is opened before the first query."""
    url = config.database
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # Names and dates of birth are parameters; an error's text, and so the log, is to hold none.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True} | _pool_options(
        url.get_backend_name()
    )
    db.init_app(app)
    migrate.init_app(
        app,
        db,
        directory=f"{app.root_path}/migrations",
        render_as_batch=True,
        compare_type=True,
    )
    with app.app_context():
        _listen(db.engine, config)


def _pool_options(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        # `timeout` is the busy timeout in seconds; threads share the pool, never a connection.
        return {
            "pool_size": 16,
            "max_overflow": 16,
            "connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        }
    return {
        "pool_size": 8,
        "max_overflow": 8,
        "pool_pre_ping": True,
        "pool_recycle": 1800,
        "connect_args": {"connect_timeout": 5},
    }


def _listen(engine: Engine, config: Config) -> None:
    if engine.dialect.name == "sqlite":
        synchronous = config.sqlite_synchronous

        def set_up(connection: sqlite3.Connection, _record: object) -> None:
            # None: sqlite3 begins no transaction by itself, `_sqlite_begin` does.
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"synchronous={synchronous}"):
                connection.execute(f"PRAGMA {pragma}")

        def make_private(*_: object) -> None:
            _make_private_file(engine.url.database, config.instance_path)

        event.listen(engine, "do_connect", make_private)
        event.listen(engine, "connect", set_up)
        event.listen(engine, "begin", _sqlite_begin(synchronous))
    else:
        event.listen(engine, "begin", _postgresql_begin)
    event.listen(engine, "before_cursor_execute", _start_clock)
    event.listen(engine, "after_cursor_execute", _stop_clock)


def _make_private_file(database: str | None, instance_path: Path) -> None:
    """A new database is its owner's alone; SQLite gives its own files beside it the same mode."""
    path = Path(database or "")
    if path.parent == instance_path.resolve():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.parent.is_dir() and not path.exists():
        path.touch(mode=0o600)


def _sqlite_begin(synchronous: SqliteSynchronous) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get(_WRITES):
            connection.exec_driver_sql("BEGIN")
            return
        mode = SqliteSynchronous.NORMAL if options.get(_NOT_DURABLE) else synchronous
        # Connections are used by one after the other, and the mode stays with the connection.
        connection.exec_driver_sql(f"PRAGMA synchronous={mode}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return begin


def _postgresql_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_NOT_DURABLE):
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")


def _start_clock(connection: Connection, *_: object) -> None:
    connection.info["started_at"] = time.perf_counter()


def _stop_clock(connection: Connection, *_: object) -> None:
    if has_request_context():
        elapsed = time.perf_counter() - connection.info["started_at"]
        g.database_seconds = g.get("database_seconds", 0.0) + elapsed


def _require_write_transaction(session: Session) -> None:
    if not session.connection().get_execution_options().get(_WRITES):
        raise WriteOutsideTransactionError


@event.listens_for(Session, "before_flush")
def _check_flush(session: Session, *_: object) -> None:
    if session.new or session.dirty or session.deleted:
        _require_write_transaction(session)


@event.listens_for(Session, "do_orm_execute")
def _check_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _require_write_transaction(state.session)
