"""The database: one engine for SQLite and PostgreSQL, and the one way to write."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Connection, DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as BusyError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session
from sqlalchemy.pool import NullPool, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from homeroom.config import Config, SqliteSynchronous
from homeroom.database_time import CONNECT_ARGUMENTS, count_database_time
from homeroom.faults import fault_of

log = structlog.get_logger(__name__)

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
# How long a request waits for a connection before it is told to come back.
POOL_TIMEOUT_S = 10
_WRITES = "homeroom_writes"
_NOT_DURABLE = "homeroom_not_durable"
_UNIT_OPEN = "homeroom_unit_open"
_TURN = "homeroom_turn_to_write"
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

    def __init__(self, remedy: str = "Data is written inside `with write_transaction():` only.") -> None:
        super().__init__(remedy)


@contextmanager
def write_transaction() -> Iterator[Session]:
    """One unit of writing: what is in the block is committed whole, or not at all.

    The transaction that only read so far is ended first and what it loaded is forgotten, so that the
    block sees, and decides on, what is true now. On SQLite the unit begins with BEGIN IMMEDIATE: a
    deferred transaction that turns into a writing one fails at once when another has written since,
    and pysqlite's own mode loses updates without a word. On PostgreSQL a unit first locks the users it
    is about (`auth/locking.py`); docs/decisions/concurrency.md says why that is enough.

    Raises:
        WriteOutsideTransactionError: a unit is open already, or something waits to be written; beginning
            one would drop that without a word.
    """
    give_connection_back()
    session = db.session()
    session.info[_UNIT_OPEN] = True
    try:
        with _turn_to_write():
            session.connection(execution_options=WRITES)
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        del session.info[_UNIT_OPEN]


def _refuse_to_drop(session: Session) -> None:
    if session.info.get(_UNIT_OPEN):
        raise WriteOutsideTransactionError(
            "A unit of writing is open already: pass its session on instead of beginning another one."
        )
    if session.new or session.deleted or any(map(session.is_modified, session.dirty)):
        raise WriteOutsideTransactionError(
            "Something was changed before the unit began: move it below `with write_transaction():`."
        )


def give_connection_back() -> None:
    """Hold no connection while something else is waited for; what was loaded is read anew when it is asked.

    Raises:
        WriteOutsideTransactionError: a unit is open; whoever writes waits for nothing.
    """
    session = db.session()
    _refuse_to_drop(session)
    session.rollback()


@contextmanager
def side_transaction() -> Iterator[Connection]:
    """A small unit beside the session, such as a count of guesses; its commit does not wait for the disk.

    The session's connection is given back first: a request that held one and waited for a second could
    wait for itself, and with it everybody else.
    """
    give_connection_back()
    with (
        _turn_to_write(),
        db.engine.connect().execution_options(**WRITES_NOT_DURABLY) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _turn_to_write() -> Iterator[None]:
    """Only some write at a time; the others wait without a connection, which readers need.

    Raises:
        BusyError: it took longer than SQLite itself would wait (503).
    """
    turn = current_app.extensions[_TURN]
    if not turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
        raise BusyError("Other writers of this process took too long.")
    try:
        yield
    finally:
        turn.release()


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
                # It stays with the watch; its place in the pool is for those who come and go.
                self._connection.detach()
            driver: Any = self._connection.dbapi_connection
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
        url.get_backend_name(), config
    )
    # SQLite has one writer anyway. PostgreSQL's writers may wait for each other's rows, but not all of a
    # process's connections may.
    writers = 1 if url.get_backend_name() == "sqlite" else config.database_connections // 2
    app.extensions[_TURN] = threading.BoundedSemaphore(writers)
    db.init_app(app)
    migrate.init_app(
        app,
        db,
        directory=f"{app.root_path}/migrations",
        render_as_batch=True,
        compare_type=True,
    )
    app.teardown_appcontext(_end_session)
    with app.app_context():
        _listen(db.engine, config)


def _end_session(_error: BaseException | None) -> None:
    """End what the request read; that the connection was lost meanwhile changes no answer that is made."""
    if not db.session.registry.has():
        return
    try:
        db.session.close()
    except SQLAlchemyError as error:
        log.warning("a connection was lost at the end of a request", fault=fault_of(error))
        db.session().invalidate()


def _pool_options(backend: str, config: Config) -> dict[str, Any]:
    options: dict[str, Any] = {
        # Half of them stay open; the rest are for the moment when a class comes back from a break.
        "pool_size": -(-config.database_connections // 2),
        "max_overflow": config.database_connections // 2,
        # No request holds two, so whoever waits gets one as soon as somebody's statement is done.
        "pool_timeout": POOL_TIMEOUT_S,
    }
    if backend == "sqlite":
        # `timeout` is the busy timeout in seconds; threads share the pool, never a connection.
        waiting = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        return options | {"connect_args": waiting | CONNECT_ARGUMENTS[backend]}
    return options | {
        "pool_pre_ping": True,
        "pool_recycle": 1800,
        "connect_args": {"connect_timeout": 5} | CONNECT_ARGUMENTS["postgresql"],
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
    count_database_time(engine)


def connections_allowed(url: URL) -> int | None:
    """How many connections PostgreSQL gives to ordinary users; None: no such bound, or no answer."""
    if url.get_backend_name() == "sqlite":
        return None
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            most, reserved = (
                int(connection.exec_driver_sql(f"SHOW {name}").scalar_one())
                for name in ("max_connections", "superuser_reserved_connections")
            )
    except SQLAlchemyError:
        # Whoever serves meets the same trouble, and tells it.
        return None
    return most - reserved


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
