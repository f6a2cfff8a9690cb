"""Keyset pages: the next page begins after the last row seen, so a deep one costs what the first costs."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Generic, NoReturn, TypeVar, cast
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from homeroom.data.errors import reject_field
from homeroom.data.types import UTCDateTime
from homeroom.web.addresses import absolute
from homeroom.web.schema import is_storable

MAX_ID = 2**63 - 1
LIMIT = "How many at most."
CURSOR = "Where to go on, as the `Link` of the page before says. Without it: at the beginning."
MAX_COUNTED = 1000

# The last code point: every text that begins with a prefix sorts before prefix + this.
_AFTER_ALL = "\U0010ffff"

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: a column, and the id where that is equal."""

    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[int]
    descending: bool = False
    # A column without equal values needs no id behind it; PostgreSQL would sort by it all the same.
    unique: bool = False

    def clauses(self) -> list[ColumnElement[Any]]:
        columns = [self.column] if self.unique else [self.column, self.id]
        return [column.desc() if self.descending else column.asc() for column in columns]

    def after(self, cursor: str) -> ColumnElement[bool]:
        """The rows behind a cursor.

        Raises:
            InvalidFields: the cursor is none of ours (422).
        """
        value, row_id = self._read(cursor)
        here, there = tuple_(self.column, self.id), tuple_(value, row_id)
        return here < there if self.descending else here > there

    def after_merged(self, cursor: str, place: int, parts: int) -> ColumnElement[bool]:
        """The rows of one part behind a cursor of `merged_page`.

        Raises:
            InvalidFields: the cursor is none of ours (422).
        """
        value, number = self._read(cursor)
        # id * parts + place < number, as a bound of the id: an index knows ids, not numbers.
        first_not = -((place - number) // parts)
        return tuple_(self.column, self.id) < tuple_(value, first_not)

    def _read(self, cursor: str) -> tuple[object, int]:
        kind = self.column.type
        if not isinstance(kind, UTCDateTime):
            return _decode(cursor, str if kind.python_type is str else int)
        written, row_id = _decode(cursor, str)
        return literal(_moment(str(written)), kind), row_id


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and the cursor behind them where more follow."""

    rows: Sequence[T]
    next_cursor: str | None

    @property
    def link(self) -> str | None:
        """The `Link` header of RFC 8288."""
        if self.next_cursor is None:
            return None
        query = request.args.to_dict() | {"cursor": self.next_cursor}
        return f'<{absolute(request.path)}?{urlencode(query)}>; rel="next"'


AnySelect = Select[*tuple[Any, ...]]
# Runs a statement; the rows it gives have the order's columns as attributes.
Fetch = Callable[[AnySelect], Sequence[T]]


def keyset_page(
    fetch: Fetch[T], statement: AnySelect, order: Order, *, limit: int, cursor: str | None
) -> Page[T]:
    """At most `limit` rows of a statement behind `cursor`.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    if cursor is not None:
        statement = statement.where(order.after(cursor))
    # One more than asked for tells whether there is a next page.
    rows = fetch(statement.order_by(*order.clauses()).limit(limit + 1))
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    return Page(rows[:limit], _encode(getattr(last, order.column.key), getattr(last, order.id.key)))


def chained_page(
    fetch: Fetch[T], parts: Sequence[tuple[AnySelect, Order]], *, limit: int, cursor: str | None
) -> Page[T]:
    """At most `limit` rows of several statements, one after the other, each in an order of its own.

    Each part has an index of its own, so a page costs the same however many rows match. The cursor names
    the part and the place in it: `1.WyJhIiwxXQ`, or `1.` for its beginning.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    first, place = _split(cursor, len(parts))
    rows: list[T] = []
    for number, (statement, order) in enumerate(parts[first:], first):
        if len(rows) == limit:
            if fetch(statement.limit(1)):
                return Page(rows, f"{number}.")
            continue
        page = keyset_page(fetch, statement, order, limit=limit - len(rows), cursor=place)
        rows.extend(page.rows)
        if page.next_cursor is not None:
            return Page(rows, f"{number}.{page.next_cursor}")
        place = None
    return Page(rows, None)


def merged_page(
    fetch: Fetch[T], parts: Sequence[tuple[AnySelect, Order]], *, limit: int, cursor: str | None
) -> Page[T]:
    """At most `limit` rows of several statements in one order: by a moment, the latest first.

    Each part is sorted by its own moment and id, descending, along an index of its own, and gives no more
    than a page. Rows have the moment as `at`, and as `number` the id times how many parts there are, plus the
    part's place: where moments are equal, that decides.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    rows: list[T] = []
    for place, (statement, order) in enumerate(parts):
        if cursor is not None:
            statement = statement.where(order.after_merged(cursor, place, len(parts)))
        rows.extend(fetch(statement.order_by(*order.clauses()).limit(limit + 1)))
    rows.sort(key=attrgetter("at", "number"), reverse=True)
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], _encode(*attrgetter("at", "number")(rows[limit - 1])))


def bounded_count(fetch: Fetch[Any], *statements: AnySelect) -> int | None:
    """How many different rows some statements find by their first column; None: more than are worth counting.

    Counting stops at a bound, so that it costs the same in a class and in a university.
    """
    found: set[Any] = set()
    for statement in statements:
        found.update(fetch(statement.limit(MAX_COUNTED + 1)))
        if len(found) > MAX_COUNTED:
            return None
    return len(found)


def _split(cursor: str | None, parts: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    part, dot, place = cursor.partition(".")
    if not dot or part not in {str(number) for number in range(parts)}:
        _refuse()
    return int(part), place or None


def prefix_of(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Rows whose key begins with a text, as a range: indexes serve it on both databases, LIKE's do not."""
    return column.between(text, text + _AFTER_ALL)


def _encode(value: str | int | datetime, row_id: int) -> str:
    if isinstance(value, datetime):
        value = value.isoformat()
    return (
        base64.urlsafe_b64encode(json.dumps([value, row_id], ensure_ascii=False).encode())
        .decode()
        .rstrip("=")
    )


def _decode(cursor: str, kind: type) -> tuple[str | int, int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        value, row_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        _refuse()
    if type(value) is not kind or type(row_id) is not int or not 0 <= row_id <= MAX_ID:
        _refuse()
    if isinstance(value, int) and not 0 <= value <= MAX_ID:
        _refuse()
    if isinstance(value, str) and not is_storable(value):
        _refuse()
    return cast("str | int", value), row_id


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
        # Near the ends of the calendar a moment may have no equal in UTC.
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse()
    if moment.tzinfo is None:
        _refuse()
    return moment


def _refuse() -> NoReturn:
    reject_field("#/cursor", "This cursor isn't valid. Start again from the first page.")
