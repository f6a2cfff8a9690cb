"""What a database's error means: one place that tells a race from trouble, and trouble from a bug.

Drivers disagree. A server in recovery is psycopg's `InternalError`, a file that may not be written is
SQLite's `OperationalError`, and a pool without a free connection is neither; callers ask for the kind.
"""

import sqlite3
from enum import StrEnum

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError


class Fault(StrEnum):
    """A kind of failure, as whoever asked must know it."""

    TAKEN = "taken"
    GONE = "gone"
    BUSY = "busy"
    AWAY = "away"
    READ_ONLY = "read-only"
    DISK_FULL = "disk full"
    DAMAGED = "damaged"
    OUTDATED = "outdated"
    BUG = "bug"


# Primary result codes of https://www.sqlite.org/rescode.html; the extended ones hold them in the low byte.
_SQLITE = {
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_CANTOPEN: Fault.AWAY,
    sqlite3.SQLITE_IOERR: Fault.AWAY,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_FULL: Fault.DISK_FULL,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
}
# Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html, longer ones first.
_POSTGRESQL = (
    ("23505", Fault.TAKEN),
    ("23P01", Fault.TAKEN),
    ("23503", Fault.GONE),
    ("23", Fault.BUG),
    ("25006", Fault.READ_ONLY),
    ("25P03", Fault.AWAY),
    ("25P04", Fault.AWAY),
    ("25", Fault.BUG),
    ("40", Fault.BUSY),
    ("55P03", Fault.BUSY),
    ("57014", Fault.BUSY),
    ("53100", Fault.DISK_FULL),
    ("53", Fault.AWAY),
    ("57", Fault.AWAY),
    ("58", Fault.AWAY),
    ("08", Fault.AWAY),
    ("XX001", Fault.DAMAGED),
    ("XX002", Fault.DAMAGED),
    ("42P01", Fault.OUTDATED),
    ("42703", Fault.OUTDATED),
)


def fault_of(error: SQLAlchemyError) -> Fault:
    """The kind of a database's error; what no one foresaw is a bug."""
    if isinstance(error, PoolTimeoutError):
        return Fault.BUSY
    if isinstance(error, StaleDataError | ObjectDeletedError):
        return Fault.GONE
    if not isinstance(error, DBAPIError):
        return Fault.BUG
    if isinstance(error.orig, sqlite3.Error):
        return _fault_of_sqlite(error.orig)
    if isinstance(error.orig, psycopg.Error):
        return _fault_of_postgresql(error, error.orig)
    return Fault.BUG


def _fault_of_sqlite(error: sqlite3.Error) -> Fault:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Fault.BUG
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return Fault.TAKEN
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return Fault.GONE
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column")):
        return Fault.OUTDATED
    return _SQLITE.get(code & 0xFF, Fault.BUG)


def _fault_of_postgresql(error: DBAPIError, cause: psycopg.Error) -> Fault:
    state = cause.sqlstate
    if state is None:
        # No word of the server: it could not be reached, or went away in the middle.
        return Fault.AWAY if isinstance(error, OperationalError | InterfaceError) else Fault.BUG
    return next((fault for prefix, fault in _POSTGRESQL if state.startswith(prefix)), Fault.BUG)
