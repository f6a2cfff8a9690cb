"""Hashing beside the requests: a few at a time, in the order of arrival, and behind everybody's pages.

A hash takes 25 ms of a core and 19 MB by design. Where each request hashed on its own thread, a class that
signs in at once would have every core, and whoever only reads a page would wait for all of them.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import Flask, current_app, has_request_context

from homeroom.auth.limits import client_address, network_of
from homeroom.config import Config
from homeroom.data.errors import Unavailable

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# A class of forty on one worker, and others. Each waits on a thread of the server, which has more for pages.
MAX_HASHES_WAITING = 64
# A school has one address, so its share is a class and, beside it, as many guesses as the limits let somebody
# there make; the rest is for everybody else.
MAX_HASHES_OF_ONE = 54
_NO_NETWORK = ""
RETRY_S = 2
# Of two threads that want a core, the one that answers a page gets about thirty times as much of it.
_NICE = 15


class HashQueue:
    """Threads that hash; always the same, as the C library keeps memory for each that ever asked for some."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="hashing", initializer=_yield_to_pages)
        self._places = at_once + MAX_HASHES_WAITING
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Hash, when those who came before have been served; for a request, as one of its network.

        Raises:
            Unavailable: too many wait already, in all or from this network (503, with `Retry-After`).
        """
        network = network_of(client_address()) if has_request_context() else _NO_NETWORK
        self._take_place(network)
        try:
            return self._threads.submit(work, *args, **kwargs).result()
        finally:
            with self._lock:
                self._waiting[network] -= 1
                # Who is gone takes no room.
                self._waiting += Counter()

    def _take_place(self, network: str) -> None:
        with self._lock:
            full = self._waiting.total() >= self._places
            if full or (network != _NO_NETWORK and self._waiting[network] >= MAX_HASHES_OF_ONE):
                raise Unavailable(
                    "Many people are signing in. Try again in a few seconds.", retry_after_s=RETRY_S
                )
            self._waiting[network] += 1


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
