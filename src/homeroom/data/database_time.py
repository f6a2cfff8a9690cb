"""How long a request's database takes: executing, fetching and committing (for `Server-Timing`)."""

import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import psycopg
from flask import g, has_request_context
from sqlalchemy import Connection, Engine, event

P = ParamSpec("P")
R = TypeVar("R")


def _count(begun_at: float) -> None:
    if has_request_context():
        g.database_seconds = g.get("database_seconds", 0.0) + time.perf_counter() - begun_at


def _counting(method: Callable[P, R]) -> Callable[P, R]:
    @wraps(method)
    def counted(*args: P.args, **kwargs: P.kwargs) -> R:
        begun_at = time.perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            _count(begun_at)

    return counted


class _SqliteCursor(sqlite3.Cursor):
    """SQLite finds most rows while they are fetched, not while the statement is executed."""

    fetchone = _counting(sqlite3.Cursor.fetchone)
    fetchmany = _counting(sqlite3.Cursor.fetchmany)
    fetchall = _counting(sqlite3.Cursor.fetchall)


class _SqliteConnection(sqlite3.Connection):
    def cursor(self, factory: Any = _SqliteCursor) -> Any:
        return super().cursor(factory)


class _PostgresqlCursor(psycopg.Cursor[Any]):
    fetchone = _counting(psycopg.Cursor.fetchone)
    fetchmany = _counting(psycopg.Cursor.fetchmany)
    fetchall = _counting(psycopg.Cursor.fetchall)


CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"factory": _SqliteConnection},
    "postgresql": {"cursor_factory": _PostgresqlCursor},
}


def count_database_time(engine: Engine) -> None:
    """Add up what each request's statements and commits take; its connections are made with
    `CONNECT_ARGUMENTS`, which count fetching.
    """

    def start(connection: Connection, *_: object) -> None:
        connection.info["started_at"] = time.perf_counter()

    def stop(connection: Connection, *_: object) -> None:
        _count(connection.info["started_at"])

    event.listen(engine, "before_cursor_execute", start)
    event.listen(engine, "after_cursor_execute", stop)
    # There is no event after these: a beginning waits for other writers, a commit for the disk.
    engine.dialect.do_begin = _counting(engine.dialect.do_begin)  # type: ignore[method-assign]
    engine.dialect.do_commit = _counting(engine.dialect.do_commit)  # type: ignore[method-assign]
