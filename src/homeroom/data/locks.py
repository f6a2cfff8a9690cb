"""One process at a time: a lock that goes with its file, and so with whoever held it."""

import fcntl
from typing import IO


def hold(lock: IO[str] | IO[bytes], busy: Exception) -> None:
    """Hold the lock of an open file until it is closed.

    Raises:
        busy: another process holds it.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy from None
