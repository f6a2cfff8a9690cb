"""Twelve at once: the same request from many threads, begun at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Person

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


def race(
    app: APIFlask,
    person: Person,
    ask: Callable[[FlaskClient, int], TestResponse],
    *,
    count: int = AT_ONCE,
) -> Counter[int]:
    """How often each status was answered to equal sessions of a person; `ask` is told its number."""
    cookie = person.client.get_cookie("jwt")
    assert cookie is not None

    def asking(number: int) -> Callable[[], int]:
        def run() -> int:
            client = app.test_client()
            client.set_cookie("jwt", cookie.value)
            with ask(client, number) as answer:
                return answer.status_code

        return run

    return Counter(at_once([asking(number) for number in range(count)]))
