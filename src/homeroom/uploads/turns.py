"""A bounded queue that is fair to people: twenty-four pictures of one keep nobody else waiting."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from homeroom.uploads.stopping import is_stopping


class QueueFullError(Exception):
    """Too many wait already, in all or of this person."""


class WaitedTooLongError(Exception):
    """No place came free in time, or the wait was called off."""


@dataclass(order=True)
class _Ticket:
    """A wait for a place: the lowest round is next, and in it who came first."""

    round: int
    number: int
    person: int = field(compare=False)
    may_enter: threading.Event = field(compare=False, default_factory=threading.Event)


class FairQueue:
    """So many places, and so many waits for one, of which one person may have no more than `most_of_one`.

    Each person's waits have rounds of their own, one after the other, and rounds begin where the queue is
    (start-time fair queueing: https://doi.org/10.1109/90.649569).
    """

    def __init__(self, places: int, most_waiting: int, *, most_of_one: int | None = None) -> None:
        self._places = self._free = places
        self._most_waiting = most_waiting
        self._most_of_one = most_waiting if most_of_one is None else most_of_one
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._round = self._count = 0
        # The next round of those who have had a place or wait for one; forgotten once it is everybody's.
        self._next_rounds: dict[int, int] = {}

    @contextmanager
    def place(self, person: int, *, wait_s: float, called_off: Callable[[], bool]) -> Iterator[None]:
        """Hold a place.

        Raises:
            QueueFullError: too many wait already.
            WaitedTooLongError: none came free in `wait_s` seconds, or the wait was called off.
        """
        ticket = self._take_ticket(person)
        deadline = time.monotonic() + wait_s
        while not ticket.may_enter.wait(0.25):
            if (called_off() or time.monotonic() > deadline) and self._give_back(ticket):
                raise WaitedTooLongError
        try:
            yield
        finally:
            self._leave()

    def _take_ticket(self, person: int) -> _Ticket:
        with self._lock:
            of_person = sum(ticket.person == person for ticket in self._waiting)
            if not self._free and (
                len(self._waiting) >= self._most_waiting or of_person >= self._most_of_one
            ):
                raise QueueFullError
            self._count += 1
            ticket = _Ticket(max(self._round, self._next_rounds.get(person, 0)), self._count, person)
            self._next_rounds[person] = ticket.round + 1
            self._waiting.append(ticket)
            self._let_in()
            return ticket

    def _leave(self) -> None:
        with self._lock:
            self._free += 1
            self._let_in()
            if self._free == self._places:
                self._next_rounds.clear()

    def _let_in(self) -> None:
        while self._free and self._waiting:
            ticket = min(self._waiting)
            self._waiting.remove(ticket)
            self._free -= 1
            self._round = ticket.round
            ticket.may_enter.set()
        passed = [person for person, upcoming in self._next_rounds.items() if upcoming <= self._round]
        for person in passed:
            del self._next_rounds[person]

    def _give_back(self, ticket: _Ticket) -> bool:
        """False: a place came free in this moment."""
        with self._lock:
            if ticket.may_enter.is_set():
                return False
            self._waiting.remove(ticket)
            return True


@contextmanager
def in_turn(queue: FairQueue, person: int, *, wait_s: float, busy: Exception) -> Iterator[None]:
    """Hold a place, unless the server stops meanwhile.

    Raises:
        busy: too many wait already, or none came free in `wait_s` seconds.
    """
    try:
        with queue.place(person, wait_s=wait_s, called_off=is_stopping):
            yield
    except (QueueFullError, WaitedTooLongError):
        raise busy from None
