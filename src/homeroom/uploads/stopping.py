"""Hearing that the server is to stop, on threads that wait for a picture.

Granian lets running requests end, however long they take, and tells them nothing. Python writes the number of
each signal into a pipe before anybody's handler runs: whoever waits looks at the pipe, too.
"""

import os
import select
import signal
import threading

_heard: int | None = None


def hear_signals() -> None:
    """Open the pipe, at the start of a worker. A server that has one of its own (gunicorn) keeps that."""
    global _heard
    if _heard is not None or threading.current_thread() is not threading.main_thread():
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before != -1:
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        os.close(reading)
        os.close(writing)
        return
    _heard = reading


def stop_descriptor() -> int | None:
    """What becomes readable, and stays so, once the server is to stop."""
    return _heard


def is_stopping() -> bool:
    """Whether the server is to stop."""
    return _heard is not None and bool(select.select([_heard], [], [], 0)[0])
