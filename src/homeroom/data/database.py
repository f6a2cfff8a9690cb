"""The database: one engine for SQLite and PostgreSQL."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_sqlalchemy.session
import structlog
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session
from sqlalchemy.pool import NullPool, PoolProxiedConnection

from homeroom.config import Config, SqliteSynchronous
from homeroom.data.database_time import CONNECT_ARGUMENTS, count_database_time
from homeroom.data.faults import fault_of
from homeroom.data.pool_pings import ping_idle_connections
from homeroom.data.write_groups import WriteGroups
from homeroom.data.write_turns import FileTurns, Turns

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
_UNIT = "homeroom_unit"
TURN_TO_WRITE = "homeroom_turn_to_write"
WRITE_GROUPS = "homeroom_write_groups"
_READING_ENGINE = "homeroom_reading_engine"
# In a session's `info`: that a unit is open, and the connection of the group whose part it is.
UNIT_OPEN = "homeroom_unit_open"
UNIT_CONNECTION = "homeroom_unit_connection"
# Execution options of a connection that is going to write.
WRITES = {_WRITES: True}
# The same for what may be lost when the power goes, such as counts of guesses: it need not wait for the
# disk, which takes several milliseconds. A later commit that does takes it along.
WRITES_NOT_DURABLY = {_WRITES: True, _NOT_DURABLE: True}


class Base(DeclarativeBase):
    """What every model is; our own, so that type checkers see plain SQLAlchemy."""

    metadata = MetaData(naming_convention=NAMES)


class _UnitSession(flask_sqlalchemy.session.Session):
    """A session that uses its unit's connection while one is open.

    Outside a unit, each statement on PostgreSQL is a transaction of its own. At the level of isolation that
    we use, it would see no other rows within one, and it needs one round trip instead of three.
    """

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        if UNIT_CONNECTION in self.info:
            connection: Connection = self.info[UNIT_CONNECTION]
            return connection
        engine = super().get_bind(*args, **kwargs)
        if UNIT_OPEN in self.info or engine.dialect.name == "sqlite":
            return engine
        reading: Engine = current_app.extensions[_READING_ENGINE]
        return reading


db = SQLAlchemy(
    metadata=Base.metadata,
    disable_autonaming=True,
    session_options={
        "class_": _UnitSession,
        "join_transaction_mode": "create_savepoint",
        # What a unit has written is known after it, too, and is not read again for the answer.
        "expire_on_commit": False,
    },
)
migrate = Migrate()


class WriteOutsideTransactionError(RuntimeError):
    """A programming error: data was about to be written outside `write_transaction()`."""

    def __init__(self, remedy: str = "Data is written inside `with write_transaction():` only.") -> None:
        super().__init__(remedy)


def init_database(app: Flask, config: Config) -> None:
    """Connect the app to its database; nothing is opened before the first query."""
    url = config.database
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # Names and dates of birth are parameters; an error's text, and so the log, is to hold none.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True} | _pool_options(
        url.get_backend_name(), config
    )
    turns = app.extensions[TURN_TO_WRITE] = _turns(url, config)
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
        engine = db.engine
        _listen(engine, config)
    app.extensions[WRITE_GROUPS] = _write_groups(engine, turns)
    app.extensions[_READING_ENGINE] = engine.execution_options(isolation_level="AUTOCOMMIT")


def _turns(url: URL, config: Config) -> Turns:
    """Who writes when. SQLite has one writer at a time, in all processes."""
    if url.get_backend_name() == "sqlite":
        return FileTurns(Path(url.database or ""))
    # PostgreSQL's writers may wait for each other's rows, but not all of a process's connections may.
    return threading.BoundedSemaphore(config.database_connections // 2)


def _write_groups(engine: Engine, turns: Turns) -> WriteGroups | None:
    """Units that share a transaction; None on PostgreSQL, where several write at once."""
    if not isinstance(turns, FileTurns):
        return None

    def begin() -> Connection:
        connection = engine.connect().execution_options(**WRITES)
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    return WriteGroups(turns, begin, timeout_s=BUSY_TIMEOUT_MS / 1000)


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
        event.listen(engine, "begin", _name_unit)
        dialect: Any = engine.dialect
        dialect.do_begin = _sqlite_begin(synchronous)
        dialect.do_savepoint = _on_driver("SAVEPOINT")
        dialect.do_release_savepoint = _on_driver("RELEASE")
    else:
        event.listen(engine, "begin", _postgresql_begin)
        ping_idle_connections(engine)
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


def _on_driver(statement: str) -> Callable[[Connection, str], None]:
    """What begins or ends a unit within a group, as `_sqlite_begin` does it."""

    def execute(connection: Connection, name: str) -> None:
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.execute(f"{statement} {name}")
        except sqlite3.Error as error:
            raise OperationalError(statement, None, error) from error

    return execute


def _name_unit(connection: Connection) -> None:
    """Tell `_sqlite_begin`, which is given less, what the transaction is for."""
    connection.info[_UNIT] = connection.get_execution_options()


def _sqlite_begin(synchronous: SqliteSynchronous) -> Callable[[PoolProxiedConnection], None]:
    """Begin on the driver itself: through SQLAlchemy, that costs as much as a unit's statements."""

    def begin(connection: PoolProxiedConnection) -> None:
        driver: sqlite3.Connection = connection.dbapi_connection  # type: ignore[assignment]
        options = connection.info[_UNIT]
        if not options.get(_WRITES):
            driver.execute("BEGIN")
            return
        mode = SqliteSynchronous.NORMAL if options.get(_NOT_DURABLE) else synchronous
        # Connections are used by one after the other, and the mode stays with the connection.
        driver.execute(f"PRAGMA synchronous={mode}")
        driver.execute("BEGIN IMMEDIATE")

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
