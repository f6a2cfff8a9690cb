"""Twelve at once: the same request from many threads, begun at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from werkzeug.test import TestResponse

AT_ONCE = 12

Result = TypeVar("Result")
Test = TypeVar("Test", bound=Callable[..., None])

# Which writing routes are raced, `METHOD /path`; tests/test_races.py holds it against all there are.
RACED: set[str] = set()


def races(*routes: str) -> Callable[[Test], Test]:
    """Say which routes a test races."""

    def note(test: Test) -> Test:
        RACED.update(routes)
        return test

    return note


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Each call on a thread of its own, all begun together; their results in order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        barrier.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def statuses(answers: Sequence[TestResponse]) -> Counter[int]:
    """How often each status was given."""
    return Counter(answer.status_code for answer in answers)
