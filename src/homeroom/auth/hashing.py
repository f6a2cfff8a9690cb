"""Hashing beside the requests: a few at a time, in the order of arrival, and behind everybody's pages.

A hash takes 25 ms of a core and 19 MB by design. Where each request hashed on its own thread, a class that
signs in at once would have every core, and whoever only reads a page would wait for all of them. So hashers
do it, processes of a low priority (`hasher.py`). A thread of a low priority would not do: while it waits
for a core it may hold Python's lock, and with it every request of its worker.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar, cast

import structlog
from flask import Flask, current_app, has_request_context

from homeroom.auth.hasher_process import HasherFailedError, HasherProcess
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
# One hasher may have been killed, to save memory for instance. Where the next one fails too, waiting helps.
_TRIES = 2


class HashQueue:
    """Hashers and their threads, a thread for each; none is started before the first hash."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._places = at_once + MAX_HASHES_WAITING
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        # These threads outlive every request. A hasher ends with its thread (`end_with`).
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="hashing")
        self._of_thread = threading.local()
        self._waiting: Counter[str] = Counter()

    def hash(self, password: str) -> str:
        """Return the hash of a password, see `hash_password`.

        Raises:
            As `run` does.
        """
        return cast("str", self.run(self._ask, "hash", password))

    def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Return whether a password is right, and the better hash to store, see `verify_password`.

        Raises:
            As `run` does.
        """
        right, better = self.run(self._ask, "verify", password, stored)
        return right, better

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
            if self._owner != os.getpid():
                # A fork, such as a worker of `gunicorn --preload`, has none of its parent's threads.
                self._begin()
            full = self._waiting.total() >= self._places
            if full or (network != _NO_NETWORK and self._waiting[network] >= MAX_HASHES_OF_ONE):
                raise Unavailable(
                    "Many people are signing in. Try again in a few seconds.", retry_after_s=RETRY_S
                )
            self._waiting[network] += 1

    def _ask(self, *question: str | None) -> Any:
        for _ in range(_TRIES):
            try:
                return self._hasher().ask(*question)
            except HasherFailedError as failure:
                log.warning("a hasher failed", reason=str(failure))
                self._end_hasher()
        raise Unavailable("The server is busy. Try again in a few seconds.", retry_after_s=RETRY_S)

    def _hasher(self) -> HasherProcess:
        """The hasher of this thread."""
        if not hasattr(self._of_thread, "hasher"):
            self._of_thread.hasher = HasherProcess()
        return cast("HasherProcess", self._of_thread.hasher)

    def _end_hasher(self) -> None:
        if hasattr(self._of_thread, "hasher"):
            self._of_thread.hasher.end()
            del self._of_thread.hasher


def init_hashing(app: Flask, config: Config) -> None:
    """Give the app its queue; no thread is started before the first hash."""
    app.extensions["homeroom_hashing"] = HashQueue(config.hashes_at_once)


def current_hashing() -> HashQueue:
    """The app's queue."""
    return cast("HashQueue", current_app.extensions["homeroom_hashing"])
