"""Requests on fresh connections, counted: what a visitor sees while something is being changed."""

import http.client
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.proxy import DOMAIN

# Path, and the status that a stranger gets there.
PATHS = (("/api/health/ready", 200), ("/login/", 200), ("/api/id", 401), ("/assets/css/base.css", 200))
THREADS = 4


@dataclass
class Load:
    """What was asked and what went wrong; it ends by itself at a count or a deadline."""

    port: int
    authority: Path
    at_least: int
    deadline: float
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    changed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        context = ssl.create_default_context(cafile=str(self.authority))
        number = 0
        while time.monotonic() < self.deadline and not (self.changed.is_set() and self.done >= self.at_least):
            path, expected = PATHS[number % len(PATHS)]
            number += 1
            failure = self._ask(context, path, expected)
            with self.lock:
                self.done += 1
                if failure is not None:
                    self.failures[failure] += 1

    def _ask(self, context: ssl.SSLContext, path: str, expected: int) -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
                connection = http.client.HTTPConnection(DOMAIN)
                connection.sock = context.wrap_socket(plain, server_hostname=DOMAIN)
                connection.request("GET", path, headers={"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            return f"{path}: {error!r}"
        return None if answer.status == expected else f"{path}: {answer.status}"


@contextmanager
def under_load(port: int, authority: Path, *, at_least: int, seconds: float) -> Iterator[Load]:
    """Ask all the time while the block runs, and on until it was `at_least` requests."""
    load = Load(port, authority, at_least, time.monotonic() + seconds)
    threads = [threading.Thread(target=load.run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.changed.set()
        for thread in threads:
            thread.join()
