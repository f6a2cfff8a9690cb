"""Keyset pages: the next page begins after the last row seen, so a deep one costs what the first costs."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar, cast
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from homeroom.problems import reject_field
from homeroom.schema import is_storable

MAX_ID = 2**63 - 1

# The last code point: every text that begins with a prefix sorts before prefix + this.
_AFTER_ALL = "\U0010ffff"

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: a column, and the id where it is equal."""

    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[int]
    descending: bool = False

    def clauses(self) -> list[ColumnElement[Any]]:
        columns = [self.id] if self.column is self.id else [self.column, self.id]
        return [column.desc() if self.descending else column.asc() for column in columns]

    def after(self, cursor: str) -> ColumnElement[bool]:
        """The rows behind a cursor.

        Raises:
            InvalidFields: the cursor is none of ours (422).
        """
        value, row_id = _decode(cursor, str if self.column.type.python_type is str else int)
        here, there = tuple_(self.column, self.id), tuple_(value, row_id)
        return here < there if self.descending else here > there


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and the cursor behind them where more follow."""

    rows: Sequence[T]
    next_cursor: str | None

    @property
    def link(self) -> str | None:
        """The `Link` header of RFC 8288; relative, so that it holds behind every proxy."""
        if self.next_cursor is None:
            return None
        query = request.args.to_dict() | {"cursor": self.next_cursor}
        return f'<{request.path}?{urlencode(query)}>; rel="next"'


def keyset_page(
    session: Session, statement: Select[T], order: Order, *, limit: int, cursor: str | None
) -> Page[T]:
    """At most `limit` rows of a statement behind `cursor`.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    if cursor is not None:
        statement = statement.where(order.after(cursor))
    # One more than asked for tells whether there is a next page.
    rows = session.scalars(statement.order_by(*order.clauses()).limit(limit + 1)).all()
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    return Page(rows[:limit], _encode(getattr(last, order.column.key), getattr(last, order.id.key)))


def prefix_of(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Rows whose key begins with a text, as a range: indexes serve it on both databases, LIKE's do not."""
    return column.between(text, text + _AFTER_ALL)


def _encode(value: str | int, row_id: int) -> str:
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


def _refuse() -> NoReturn:
    reject_field("#/cursor", "This cursor is not one that the server gave; begin at the first page.")
