"""Turns to write: writers wait in a queue that wakes the next one, in a process and across all of them.

SQLite has one writer at a time. A writer that finds its lock taken sleeps and tries again, up to a tenth of a
second later (https://sqlite.org/c3ref/busy_timeout.html), while others come in between: under load some wait
for seconds, and the lock lies idle meanwhile. Whoever has a turn finds the lock free; it stays what decides.
"""

import fcntl
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Protocol


class Turns(Protocol):
    """A `threading.BoundedSemaphore`, where writers need no order."""

    def acquire(self, *, timeout: float) -> bool:
        """Wait for a turn; False after `timeout` seconds."""
        ...

    def release(self) -> None:
        """Give it to the next one."""
        ...


class _Waiting:
    """Somebody in the queue."""

    def __init__(self, joins: bool) -> None:
        self.joins = joins
        self.has_turn = threading.Event()


class FileTurns:
    """One writer of a database file at a time, in the order of arrival.

    A lock on a file beside it (flock) orders processes: the kernel wakes the next one, and takes the lock
    back from a process that was killed.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-turn")
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[_Waiting] = deque()
        self._file: int | None = None
        self._is_passed_on = False

    def acquire(self, *, timeout: float, joins: bool = False) -> bool:
        """Wait for a turn; False after `timeout` seconds. Who `joins` takes one that is passed on, too."""
        deadline = time.monotonic() + timeout
        if not self._acquire_here(timeout, joins=joins):
            return False
        if self._is_passed_on:
            self._is_passed_on = False
            return True
        has_turn = False
        try:
            file = self._open()
            has_turn = file is None or _lock_file(file, deadline - time.monotonic())
            # Without a turn, whoever still waits for the file closes it.
            self._file = file if has_turn else None
        finally:
            if not has_turn:
                self._leave()
        return has_turn

    def pass_on(self) -> bool:
        """Give the turn to the next one of this process, if that one joins; other processes wait on."""
        with self._lock:
            self._is_passed_on = bool(self._waiting) and self._waiting[0].joins
            if self._is_passed_on:
                self._waiting.popleft().has_turn.set()
            return self._is_passed_on

    def release(self) -> None:
        """Give the turn to the next one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._leave()

    def _open(self) -> int | None:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            # A full or read-only disk. SQLite says so itself, and its lock needs no help to be right.
            return None

    def _acquire_here(self, timeout: float, *, joins: bool) -> bool:
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = _Waiting(joins)
            self._waiting.append(mine)
        if mine.has_turn.wait(timeout):
            return True
        with self._lock:
            if mine.has_turn.is_set():
                # It was given in this moment.
                return True
            self._waiting.remove(mine)
            return False

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().has_turn.set()
            else:
                self._taken = False


def _lock_file(file: int, timeout: float) -> bool:
    """Lock an open file; False after `timeout` seconds, and then it is closed as soon as the lock comes."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Wait(file).for_lock(timeout)
    except OSError:
        # Some file systems of a network have no such locks. Each process then has turns of its own.
        return True
    return True


class _Wait:
    """A wait for a file's lock on a thread of its own: flock has no time limit."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._locked = threading.Event()
        self._is_given_up = False

    def for_lock(self, timeout: float) -> bool:
        threading.Thread(target=self._run, name="turn to write", daemon=True).start()
        if self._locked.wait(timeout):
            return True
        with self._lock:
            self._is_given_up = not self._locked.is_set()
            return not self._is_given_up

    def _run(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._lock:
            if self._is_given_up:
                os.close(self._file)
            else:
                self._locked.set()
