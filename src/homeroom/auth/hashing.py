"""Hashing beside the requests: a few at a time, in the order of arrival, and behind everybody's pages.

A hash takes 25 ms of a core and 19 MB by design. Where each request hashed on its own thread, a class that
signs in at once would have every core, and whoever only reads a page would wait for all of them.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import Flask, current_app
from werkzeug.exceptions import ServiceUnavailable

from homeroom.config import Config

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# A class of forty on one worker. Each waits on a thread of the server, which needs some for pages.
MAX_HASHES_WAITING = 48
RETRY_S = 2
# Of two threads that want a core, the one that answers a page gets about thirty times as much of it.
_NICE = 15


class HashQueue:
    """Threads that hash; always the same, as the C library keeps memory for each that ever asked for some."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="hashing", initializer=_yield_to_pages)
        self._places = threading.BoundedSemaphore(at_once + MAX_HASHES_WAITING)

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Hash, when those who came before have been served.

        Raises:
            ServiceUnavailable: too many wait already (503, with `Retry-After`).
        """
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable(
                "Very many people sign in at the moment; try again shortly.", retry_after=RETRY_S
            )
        try:
            return self._threads.submit(work, *args, **kwargs).result()
        finally:
            self._places.release()


def _yield_to_pages() -> None:
    # Linux counts niceness by thread: https://man7.org/linux/man-pages/man2/setpriority.2.html#BUGS
    if not hasattr(os, "setpriority"):
        return
    thread = threading.get_native_id()
    try:
        # Who started the server may have made it nicer already; only root may take that back.
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICE, os.getpriority(os.PRIO_PROCESS, thread)))
    except OSError as error:
        # A sandbox may forbid the call, not the sign-in.
        log.warning("hashing competes with pages", error=error.strerror)


def init_hashing(app: Flask, config: Config) -> None:
    """Give the app its queue; no thread is started before the first hash."""
    app.extensions["homeroom_hashing"] = HashQueue(config.hashes_at_once)


def current_hashing() -> HashQueue:
    """The app's queue."""
    return cast("HashQueue", current_app.extensions["homeroom_hashing"])
