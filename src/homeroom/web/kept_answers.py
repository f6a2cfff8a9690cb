"""Answers that are kept: for which routes, what they depend on, and the memory that holds them."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Any, NamedTuple, TypeVar, cast

from flask import request

# Every viewer's list is another answer. What does not fit is made anew.
MAX_KEPT_BYTES = 32 * 1024 * 1024
# Who waits longer for what another one makes lets Flask make it once more.
_PATIENCE_S = 2
# Beside its bytes an answer costs objects and the places that hold them.
_ANSWER_OVERHEAD_BYTES = 2048
# Where the read path tells the guard whom it has found, and a view what it may share with others; and where
# the view tells until when its answer may be kept.
ASKER = "homeroom.asker"
SHARE = "homeroom.share"
KEEP_UNTIL = "homeroom.keep_until"
# What several viewers' answers are made of: a page of rows, mostly.
MAX_KEPT_VALUES = 8

T = TypeVar("T")
Headers = list[tuple[str, str]]
# What was asked, by whom: all that an answer depends on beside its basis.
Question = tuple[str | int | None, ...]
# What was true when an answer was made. While it is, the answer may be given again.
Basis = tuple[Hashable, ...]


class Versions(NamedTuple):
    """Numbers that the database raises with every commit that changes something of what they stand for."""

    # Users and their avatars.
    people: int
    # Shared projects, with tags and pictures, and what people say of themselves.
    portfolio: int
    # The asking person's own drafts; 0 for a guest.
    drafts: int = 0


class DependsOn(Enum):
    """What an answer depends on, beside its asker, the day and the request."""

    PEOPLE = auto()
    PORTFOLIO = auto()
    # On tables that have no version: kept only until anybody commits anything, where the database tells that.
    EVERYTHING = auto()


@dataclass(frozen=True)
class KeptRoute:
    """A route whose answers are kept."""

    # A regular expression for the whole path, without its trailing slash.
    path: str
    depends_on: DependsOn
    # The names that a query may have; with another one it is left to Flask.
    parameters: frozenset[str] = frozenset()
    # Whether those who send no token are answered, too.
    for_guests: bool = False
    # Whether two sessions of one person get different answers.
    by_session: bool = False

    def basis(self, versions: Versions, day: date, mark: int | None) -> Basis | None:
        """What an answer of now depends on; None: nobody could tell when it changes."""
        if self.depends_on is DependsOn.PEOPLE:
            return day, versions.people
        if self.depends_on is DependsOn.PORTFOLIO:
            return day, *versions
        return None if mark is None else (day, mark)


@dataclass(frozen=True)
class Answer:
    """What Flask answered, and until when it may be given again; None: as long as its basis is true."""

    status: str
    headers: Headers
    body: bytes
    keep_until: datetime | None = None

    @property
    def size(self) -> int:
        """What it takes in memory, in bytes, with the places that hold it."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.body) + headers + _ANSWER_OVERHEAD_BYTES


class KeptAnswers:
    """The last answer to each question, with its basis; when there is no more room, all are forgotten."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._answers: dict[Question, tuple[Basis, Answer]] = {}
        self._bytes = 0

    def get(self, question: Question, basis: Basis, now: datetime) -> Answer | None:
        """What was answered, if it is still true."""
        kept = self._answers.get(question)
        if kept is None or kept[0] != basis:
            return None
        answer = kept[1]
        return None if answer.keep_until is not None and now >= answer.keep_until else answer

    def put(self, question: Question, basis: Basis, answer: Answer) -> None:
        """Keep an answer in the place of an older one."""
        with self._lock:
            old = self._answers.pop(question, None)
            if old is not None:
                self._bytes -= _size(question, old[1])
            size = _size(question, answer)
            if self._bytes + size > self._most_bytes:
                self._answers, self._bytes = {}, 0
            self._answers[question] = (basis, answer)
            self._bytes += size


class Underway:
    """What is being made: of many who ask the same at once, one makes it and the others wait.

    After a write a class that looks at one list would have each worker make it as often as it has threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, threading.Event] = {}

    @contextmanager
    def leading(self, key: Hashable) -> Iterator[bool]:
        """Whether the caller is to make it, while others wait for the end of the block; else one has made it.

        Whoever waits asked before the rows were read, or nothing was committed between, as the basis is one.
        """
        with self._lock:
            made = self._made.get(key)
            if made is None:
                mine = self._made[key] = threading.Event()
        if made is not None:
            made.wait(_PATIENCE_S)
            yield False
            return
        try:
            yield True
        finally:
            with self._lock:
                del self._made[key]
            mine.set()


class SharedValues:
    """What different viewers' answers have in common, with its basis; the oldest of too many is forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Hashable, tuple[Basis, Any]] = {}
        self._underway = Underway()

    def get(self, key: Hashable, basis: Basis, make: Callable[[], T]) -> T:
        """A value that was made with the same basis, or a new one."""
        kept = self._kept(key, basis)
        if kept is None:
            with self._underway.leading((key, basis)) as leads:
                kept = None if leads else self._kept(key, basis)
                if kept is None:
                    kept = (basis, make())
                    self._put(key, kept)
        return cast("T", kept[1])

    def _kept(self, key: Hashable, basis: Basis) -> tuple[Basis, Any] | None:
        kept = self._values.get(key)
        return kept if kept is not None and kept[0] == basis else None

    def _put(self, key: Hashable, value: tuple[Basis, Any]) -> None:
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) > MAX_KEPT_VALUES:
                del self._values[next(iter(self._values))]


def _size(question: Question, answer: Answer) -> int:
    return answer.size + sum(len(part) for part in question if isinstance(part, str))


def shared(key: Hashable, make: Callable[[], T]) -> T:
    """In a view of a kept route: what `make` gives, made once for all viewers while nothing has changed.

    `key` says whatever it depends on beside what the route depends on; nothing of the viewer may be in it.
    """
    share: Callable[[Hashable, Callable[[], T]], T] | None = request.environ.get(SHARE)
    return make() if share is None else share(key, make)


def keep_until(moment: datetime) -> None:
    """Say in a view that its answer changes at a moment, though nothing is written then."""
    request.environ[KEEP_UNTIL] = moment
