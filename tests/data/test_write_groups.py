"""Units of writing that come at once: one commit for many, each whole or not at all, none told too early."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from homeroom.auth.models import AttemptCount
from homeroom.data import write_groups
from homeroom.data.database import TURN_TO_WRITE, db
from homeroom.data.faults import Fault, fault_of
from homeroom.data.transactions import side_transaction, write_transaction
from tests.servers import START_TIMEOUT_S

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WRITERS = 12


class TooEarlyError(Exception):
    """What a unit is ended with on purpose."""


@contextmanager
def commits_of(app: APIFlask, told: Callable[[], None] = lambda: None) -> Iterator[list[Connection]]:
    """The commits while it lasts, each noted, and told, before it is made."""
    commits: list[Connection] = []

    def note(connection: Connection) -> None:
        commits.append(connection)
        told()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", note)
    try:
        yield commits
    finally:
        event.remove(engine, "commit", note)


def write(app: APIFlask, number: int, more: Callable[[Session], None] = lambda _: None) -> None:
    with app.app_context(), write_transaction() as session:
        session.add(AttemptCount(key=f"{number}", count=1, expires_at=1))
        session.flush()
        more(session)


def at_once(
    app: APIFlask, *units: Callable[[], None], before: Callable[[], None] = lambda: None
) -> list[Future[None]]:
    """Units that all wait when the first of them begins; `before` is done while they wait."""
    turns = app.extensions[TURN_TO_WRITE]
    assert turns.acquire(timeout=START_TIMEOUT_S)
    with ThreadPoolExecutor(len(units)) as pool:
        futures = []
        for number, unit in enumerate(units):
            futures.append(pool.submit(unit))
            while len(turns._waiting) <= number:
                threading.Event().wait(0.001)
        before()
        turns.release()
    return futures


def written(app: APIFlask) -> set[str]:
    with app.app_context():
        return set(db.session.scalars(select(AttemptCount.key)))


@pytest.fixture(autouse=True)
def patient_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is at the moment, a group is open for those who wait."""
    monkeypatch.setattr(write_groups, "MAX_OPEN_S", START_TIMEOUT_S)


def test_twelve_at_once_share_a_commit_and_nobody_is_told_before_it(app: APIFlask) -> None:
    told: list[int] = []
    at_commit: list[int] = []

    def unit(number: int) -> Callable[[], None]:
        def run() -> None:
            write(app, number)
            told.append(number)

        return run

    with commits_of(app, lambda: at_commit.append(len(told))) as commits:
        futures = at_once(app, *map(unit, range(WRITERS)))
    assert [future.result() for future in futures] == [None] * WRITERS
    assert written(app) == {f"{number}" for number in range(WRITERS)}
    assert (len(commits), at_commit) == (1, [0])


def test_one_that_fails_leaves_nothing_and_the_others_stand(app: APIFlask) -> None:
    def fail(_: Session) -> None:
        raise TooEarlyError

    def unit(number: int) -> Callable[[], None]:
        return lambda: write(app, number, fail) if number % 3 == 1 else write(app, number)

    with commits_of(app) as commits:
        futures = at_once(app, *map(unit, range(WRITERS)))
    failed = {number for number, future in enumerate(futures) if future.exception()}
    assert failed == {1, 4, 7, 10}
    assert written(app) == {f"{number}" for number in range(WRITERS)} - {f"{number}" for number in failed}
    assert len(commits) == 1


def test_each_decides_on_what_those_before_it_have_written(app: APIFlask) -> None:
    def add_one() -> None:
        with app.app_context(), write_transaction() as session:
            count = session.scalar(select(AttemptCount).where(AttemptCount.key == "0"))
            count.count += 1

    write(app, 0)
    for future in at_once(app, *[add_one] * WRITERS):
        future.result()
    with app.app_context():
        assert db.session.scalar(select(AttemptCount.count)) == 1 + WRITERS


def test_on_a_full_disk_nobody_of_the_group_is_told_that_it_was_written(app: APIFlask) -> None:
    def fill(session: Session) -> None:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages + 4}"))
        try:
            session.execute(text("CREATE TABLE full AS SELECT zeroblob(1000000) AS what"))
        finally:
            # Another one has this connection next.
            session.connection().connection.dbapi_connection.execute("PRAGMA max_page_count = 1000000")

    def unit(number: int) -> Callable[[], None]:
        return lambda: write(app, number, fill) if number == WRITERS // 2 else write(app, number)

    futures = at_once(app, *map(unit, range(WRITERS)))
    errors = [future.exception() for future in futures]
    lost = [error for error in errors if error is not None]
    assert {fault_of(error) for error in lost if isinstance(error, OperationalError)} == {Fault.DISK_FULL}
    assert len({id(error) for error in lost}) == len(lost) >= 1
    assert written(app) == {f"{number}" for number, error in enumerate(errors) if error is None}
    write(app, WRITERS)
    assert f"{WRITERS}" in written(app)


def test_a_connection_that_is_closed_in_a_unit_keeps_nobody_waiting(app: APIFlask) -> None:
    def close(session: Session) -> None:
        session.connection().invalidate()
        raise KeyboardInterrupt

    def unit(number: int) -> Callable[[], None]:
        return lambda: write(app, number, close) if number == WRITERS // 2 else write(app, number)

    errors = [future.exception() for future in at_once(app, *map(unit, range(WRITERS)))]
    assert isinstance(errors[WRITERS // 2], KeyboardInterrupt)
    assert written(app) == {f"{number}" for number, error in enumerate(errors) if error is None}
    assert written(app) == {f"{number}" for number in range(WRITERS // 2 + 1, WRITERS)}
    write(app, WRITERS)


def test_a_commit_that_fails_is_told_to_everybody(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    def unit(number: int) -> Callable[[], None]:
        return lambda: write(app, number)

    with app.app_context(), monkeypatch.context() as patch:
        patch.setattr(db.engine.dialect, "do_commit", refuse)
        futures = at_once(app, *map(unit, range(WRITERS)))
    assert [type(future.exception()) for future in futures] == [OperationalError] * WRITERS
    assert written(app) == set()
    write(app, 0)
    assert written(app) == {"0"}


def test_what_needs_no_disk_has_a_transaction_of_its_own_in_its_turn(app: APIFlask) -> None:
    order: list[str] = []

    def aside() -> None:
        with app.app_context(), side_transaction() as connection:
            order.append("aside")
            seen = set(connection.scalars(select(AttemptCount.key)))
        assert seen == {"0"}

    def first() -> None:
        write(app, 0, lambda _: order.append("0"))

    def last() -> None:
        write(app, 1, lambda _: order.append("1"))

    with commits_of(app) as commits:
        futures = at_once(app, first, aside, last)
    assert [future.result() for future in futures] == [None] * 3
    assert order == ["0", "aside", "1"]
    assert len(commits) == 3


def test_a_group_takes_so_many_and_no_more(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_groups, "MAX_UNITS", 5)
    with commits_of(app) as commits:
        units = [lambda number=number: write(app, number) for number in range(WRITERS)]
        for future in at_once(app, *units):
            future.result()
    assert len(commits) == 3


def test_a_group_that_is_open_for_long_takes_nobody_in(
    app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_groups, "MAX_OPEN_S", 0)
    with commits_of(app) as commits:
        for future in at_once(app, lambda: write(app, 0), lambda: write(app, 1)):
            future.result()
    assert len(commits) == 2
