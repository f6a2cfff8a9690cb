"""Requests on fresh connections, counted: what a visitor sees while something is being changed."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.asking import Asker, crowd

# Path, and the status that a stranger gets there.
PATHS = (("/api/health/ready", 200), ("/login/", 200), ("/api/id", 401), ("/assets/css/base.css", 200))
THREADS = 4
# What is being changed needs a part of a small machine, too.
PAUSE_S = 0.012
# A school behind one address may ask fifty times a second for long; more is refused, by design.
PAUSE_WITHIN_LIMITS_S = 0.1


@dataclass
class Load:
    """What was asked and what went wrong; it ends by itself at a count or a deadline."""

    asker: Asker
    at_least: int
    deadline: float
    pause_s: float = PAUSE_S
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    changed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        number = 0
        while time.monotonic() < self.deadline and not (self.changed.is_set() and self.done >= self.at_least):
            path, expected = PATHS[number % len(PATHS)]
            number += 1
            failure = self._ask(path, expected)
            with self.lock:
                self.done += 1
                if failure is not None:
                    self.failures[failure] += 1
            time.sleep(self.pause_s)

    def _ask(self, path: str, expected: int) -> str | None:
        try:
            answer = self.asker.ask("GET", path)
        except (OSError, http.client.HTTPException) as error:
            return f"{path}: {error!r}"
        return None if answer.status == expected else f"{path}: {answer.status}"


@contextmanager
def under_load(
    port: int, authority: Path, *, at_least: int, seconds: float, pause_s: float = PAUSE_S
) -> Iterator[Load]:
    """Ask all the time while the block runs, and on until it was `at_least` requests."""
    load = Load(Asker(port, authority), at_least, time.monotonic() + seconds, pause_s)
    with crowd(load.run, THREADS, load.changed):
        yield load
