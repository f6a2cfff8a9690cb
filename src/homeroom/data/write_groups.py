"""Units of writing that come at once share a transaction, and with it one wait for the disk (SQLite).

Each unit is a savepoint of it: one that fails leaves nothing, and the others stand. Nobody is told that
something was written before the transaction that it was written in is on the disk.
docs/decisions/concurrency.md has what this gains.
"""

import copy
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as BusyError

from homeroom.data.write_turns import FileTurns

# Other processes wait while a group is open, and its first units until it ends.
MAX_UNITS = 32
MAX_OPEN_S = 0.05


class _Group:
    """A transaction, and how it ended."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.units = 0
        # None: it is on the disk.
        self.error: SQLAlchemyError | None = BusyError("The transaction didn't end.")
        self.is_over = threading.Event()
        self._driver: Any = connection.connection.dbapi_connection
        self._opened_at = time.monotonic()

    def may_grow(self) -> bool:
        """Whether another unit may join it."""
        age_s = time.monotonic() - self._opened_at
        return self._is_whole() and self.units < MAX_UNITS and age_s < MAX_OPEN_S

    def _is_whole(self) -> bool:
        """Whether all that was written in it is still there.

        On a full disk and the like, SQLite takes the whole transaction back, and goes on without one:
        https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        """
        try:
            return bool(self._driver.in_transaction)
        except sqlite3.ProgrammingError:
            # It is closed, as after Ctrl+C.
            return False

    def end(self, error: BaseException | None) -> None:
        """Commit, and give the connection back. `error` is what the last unit failed with."""
        try:
            if self._is_whole():
                self.connection.commit()
                self.error = None
            elif isinstance(error, SQLAlchemyError):
                self.error = error
        except SQLAlchemyError as failure:
            self.error = failure
        finally:
            if self.error is not None:
                # Whatever state it is in: closed, it has no transaction.
                self.connection.invalidate()
            self.connection.close()


class WriteGroups:
    """The units of a process, in the order of arrival."""

    def __init__(self, turns: FileTurns, begin: Callable[[], Connection], *, timeout_s: float) -> None:
        self._turns = turns
        self._begin = begin
        self._timeout_s = timeout_s
        # Whoever has the turn reads and sets it, nobody else.
        self._group: _Group | None = None

    @contextmanager
    def unit(self) -> Iterator[Connection]:
        """A connection in a transaction, for a savepoint of one's own; what is in the block has the turn.

        Raises:
            TimeoutError: SQLAlchemy's; other writers took too long (503).
            SQLAlchemyError: the transaction could not begin or end, or was lost with another unit.
        """
        if not self._turns.acquire(timeout=self._timeout_s, joins=True):
            raise BusyError("Other writers took too long.")
        group = self._group or self._open()
        try:
            yield group.connection
        except BaseException as error:
            self._leave(group, error)
            raise
        self._leave(group, None)
        if group.error is not None:
            # Each raises an error of its own: threads would write their tracebacks into one.
            raise copy.copy(group.error)

    def _open(self) -> _Group:
        try:
            self._group = _Group(self._begin())
        except BaseException:
            self._turns.release()
            raise
        return self._group

    def _leave(self, group: _Group, error: BaseException | None) -> None:
        """Let the next unit join, and wait until the last one has ended the group; or be the last one."""
        group.units += 1
        if group.may_grow() and self._turns.pass_on():
            group.is_over.wait()
            return
        self._group = None
        try:
            group.end(error)
        finally:
            group.is_over.set()
            self._turns.release()
