"""Transactions: the one way to write, and how to wait without holding a connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import TimeoutError as BusyError
from sqlalchemy.orm import Session

from homeroom.data.database import (
    BUSY_TIMEOUT_MS,
    TURN_TO_WRITE,
    UNIT_CONNECTION,
    UNIT_OPEN,
    WRITE_GROUPS,
    WRITES,
    WRITES_NOT_DURABLY,
    WriteOutsideTransactionError,
    db,
)
from homeroom.data.write_groups import WriteGroups
from homeroom.data.write_turns import Turns


@contextmanager
def write_transaction() -> Iterator[Session]:
    """One unit of writing: what is in the block is committed whole, or not at all.

    The transaction that only read so far is ended first and what it loaded is forgotten, so that the
    block sees, and decides on, what is true now. On SQLite the unit is a savepoint of a transaction that
    begins with BEGIN IMMEDIATE, and that units of this process may share (`write_groups.py`): a
    deferred transaction that turns into a writing one fails at once when another has written since,
    and pysqlite's own mode loses updates without a word. On PostgreSQL a unit first locks the users it
    is about (`auth/locking.py`); docs/decisions/concurrency.md says why that is enough.

    Raises:
        WriteOutsideTransactionError: a unit is open already, or something waits to be written; beginning
            one would drop that without a word.
    """
    give_connection_back()
    session = db.session()
    session.info[UNIT_OPEN] = True
    try:
        with _unit_of(session):
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        del session.info[UNIT_OPEN]


@contextmanager
def _unit_of(session: Session) -> Iterator[None]:
    groups: WriteGroups | None = current_app.extensions[WRITE_GROUPS]
    if groups is None:
        with _turn_to_write():
            session.connection(execution_options=WRITES)
            yield
        return
    with groups.unit() as session.info[UNIT_CONNECTION]:
        try:
            session.connection()
            yield
        finally:
            del session.info[UNIT_CONNECTION]


def _refuse_to_drop(session: Session) -> None:
    if session.info.get(UNIT_OPEN):
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
    # What an earlier unit has written, too.
    session.expire_all()


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
    """Only some write at a time; the others wait in order, without a connection, which readers need.

    Raises:
        BusyError: it took longer than SQLite itself would wait (503).
    """
    turn: Turns = current_app.extensions[TURN_TO_WRITE]
    if not turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
        raise BusyError("Other writers took too long.")
    try:
        yield
    finally:
        turn.release()
