"""A roster as schools' systems export it, from the bytes of the file to rows of people.

Pure: no database and no HTTP. What is wrong with the file as a whole is a `RosterError`; what is
wrong with one row is a `Rejection`, so that all of them can be mended at once.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from homeroom.auth.models import uid_key
from homeroom.roster.columns import Columns, Field, find_columns, known_columns
from homeroom.roster.text import (
    DELIMITERS,
    Record,
    RosterError,
    decode,
    find_delimiter,
    quoted,
    shown,
)
from homeroom.translations.messages import Message, MessageError, joined, message, text_of
from homeroom.users.fields import check_dob, clean_email, clean_name, clean_uid

__all__ = ["ParsedRoster", "Rejection", "RosterError", "RosterRow", "check_date_format", "parse"]

T = TypeVar("T")

MAX_ROWS = 10_000
MAX_DATE_FORMAT_CHARACTERS = 40
_NAMED_COLUMNS = 12
_SOURCES = {
    Field.UID: message("ID from “{column}”"),
    Field.FULL_NAME: message("name from “{column}”"),
    Field.FIRST_NAME: message("first name from “{column}”"),
    Field.LAST_NAME: message("last name from “{column}”"),
    Field.EMAIL: message("email from “{column}”"),
    Field.DOB: message("date of birth from “{column}”"),
}
_ENCODINGS = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}
# Midnight is what spreadsheets and databases add to a day.
_ISO_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v", "phd", "md", "esq"})
# How most files write dates, whatever stands between the numbers; in strptime's letters.
DATE_ORDERS = {"day-first": "%d/%m", "month-first": "%m/%d"}
_BETWEEN_NUMBERS = re.compile(r"[./\s-]+")
# Which of the two it is, is never guessed.
_EXAMPLE = date(2010, 12, 31)
CHOOSE_ORDER = message("Choose whether the day or the month comes first.")


@dataclass(frozen=True)
class RosterRow:
    """One person, checked; `line` is where the row begins in the file."""

    line: int
    uid: str
    name: str
    email: str | None = None
    dob: date | None = None


@dataclass(frozen=True)
class Rejection:
    """A row that cannot be taken, with what it said and every reason why not."""

    line: int
    uid: str
    name: str
    reason: str


@dataclass(frozen=True)
class ParsedRoster:
    """What a file says: people, rows that cannot be taken, and in words what was read how."""

    rows: tuple[RosterRow, ...]
    rejected: tuple[Rejection, ...]
    notes: tuple[str, ...]


def parse(data: bytes, *, today: date, date_format: str | None = None) -> ParsedRoster:
    """Read a roster; `today` bounds the dates of birth.

    Raises:
        RosterError: the file, or the date format, cannot be used at all.
    """
    if date_format is not None:
        check_date_format(date_format)
    text, encoding = decode(data)
    delimiter, filled = find_delimiter(text, known_columns)
    if not filled:
        raise RosterError("The file has no header line. The first line must name the columns.")
    columns = find_columns(filled[0].fields)
    people, skipped = _without_lines_of_canvas(filled[1:], columns)
    if not people:
        raise RosterError("The file has a header line, but no people below it.")
    if len(people) > MAX_ROWS:
        raise RosterError("The file has more than {max_rows:,} rows. Import it in parts.", max_rows=MAX_ROWS)
    rows, rejected = _read_rows(people, columns, _Dates(date_format, today))
    notes = (*_notes(encoding, delimiter, columns), *skipped)
    return ParsedRoster(tuple(rows), tuple(rejected), notes)


def check_date_format(date_format: str) -> None:
    """Refuse a format that does not write a whole day and read it again.

    Raises:
        RosterError: it is no strptime format, or lacks the year, the month or the day.
    """
    if len(date_format) > MAX_DATE_FORMAT_CHARACTERS or not _tells_the_day(date_format):
        raise RosterError(
            "The date format “{date_format}” needs a year, a month and a day. "
            "Use day-first (31/12/2010), month-first (12/31/2010), or letters like %d %b %Y (31 Dec 2010).",
            date_format=shown(date_format),
        )


def _tells_the_day(date_format: str) -> bool:
    if date_format in DATE_ORDERS:
        return True
    probes = (date(2001, 2, 3), date(2010, 11, 12))
    try:
        read = tuple(_read_date(probe.strftime(date_format), date_format) for probe in probes)
    except (ValueError, re.error):
        # strptime makes a regular expression of the format; a directive given twice breaks that.
        return False
    return read == probes


def _read_date(text: str, date_format: str) -> date:
    if date_format in DATE_ORDERS:
        text = _BETWEEN_NUMBERS.sub("/", text)
        year = "%Y" if re.search("/[0-9]{4}$", text) else "%y"
        date_format = f"{DATE_ORDERS[date_format]}/{year}"
    return datetime.strptime(text, date_format).date()  # noqa: DTZ007  a day has no time zone


@dataclass(frozen=True)
class _Dates:
    """How this file writes days, and which day is today."""

    date_format: str | None
    today: date

    def read(self, text: str) -> date:
        try:
            day = self._day(text)
        except ValueError:
            raise MessageError(
                "We couldn't read “{text}” as a date. {remedy}", text=shown(text), remedy=self._remedy
            ) from None
        return check_dob(day, self.today)

    def _day(self, text: str) -> date:
        if self.date_format is not None:
            return _read_date(text, self.date_format)
        iso = _ISO_DAY.fullmatch(text)
        if iso is None:
            raise ValueError
        return date.fromisoformat(iso[1])

    @property
    def _remedy(self) -> Message:
        if self.date_format is None:
            return joined([message("It should look like {example}.", example=_EXAMPLE), CHOOSE_ORDER])
        order = DATE_ORDERS.get(self.date_format)
        example = _EXAMPLE.strftime(f"{order}/%Y" if order else self.date_format)
        return message("It should look like {example}.", example=example)


def _read_rows(
    people: list[Record], columns: Columns, dates: _Dates
) -> tuple[list[RosterRow], list[Rejection]]:
    rows: list[RosterRow] = []
    rejected: list[Rejection] = []
    # Lines of rejected rows count too: a second row for the same ID is wrong in either case.
    seen: dict[str, int] = {}
    for record in people:
        row = _read_row(record, columns, dates, seen)
        if isinstance(row, RosterRow):
            rows.append(row)
        else:
            rejected.append(row)
    return rows, rejected


def _read_row(record: Record, columns: Columns, dates: _Dates, seen: dict[str, int]) -> RosterRow | Rejection:
    """A person, or everything that is wrong with the row: whoever fixes the file reads it once."""
    reasons: list[str] = []

    def checked(check: Callable[[str], T], text: str) -> T | None:
        try:
            return check(text)
        except ValueError as error:
            reasons.append(text_of(error))
            return None

    text, said = columns.cell(record.fields, Field.UID), _name(record, columns)
    uid = checked(lambda text: _unseen_uid(text, record.line, seen), text)
    if any(cell.strip() for cell in record.fields[len(columns.headers) :]):
        # Its cells are in the wrong columns, so what they contain says nothing.
        reasons.append(_too_many_fields(record, columns))
        return Rejection(record.line, shown(text), shown(said), joined(reasons))
    name = checked(lambda text: _cleaned(clean_name, text, message("The name is missing.")), said)
    email, dob = (columns.cell(record.fields, field) for field in (Field.EMAIL, Field.DOB))
    address = checked(clean_email, email) if email else None
    day = checked(dates.read, dob) if dob else None
    if reasons or uid is None or name is None:
        return Rejection(record.line, shown(text), shown(said), joined(reasons))
    return RosterRow(record.line, uid, name, address, day)


def _unseen_uid(uid: str, line: int, seen: dict[str, int]) -> str:
    uid = _cleaned(clean_uid, uid, message("The ID is missing."))
    first = seen.setdefault(uid_key(uid), line)
    if first != line:
        raise MessageError("Line {line} has the same ID.", line=first)
    return uid


def _cleaned(clean: Callable[[str], str], text: str, if_empty: Message) -> str:
    if not text:
        raise MessageError(if_empty)
    return clean(text)


def _too_many_fields(record: Record, columns: Columns) -> Message:
    return message(
        "The row has {fields} fields, but the header has {columns}. "
        "Put quotes around a field that contains the separator.",
        fields=len(record.fields),
        columns=len(columns.headers),
    )


def _name(record: Record, columns: Columns) -> str:
    if columns.has_name_parts:
        parts = (columns.cell(record.fields, part) for part in (Field.FIRST_NAME, Field.LAST_NAME))
        return " ".join(part for part in parts if part)
    return _turned_round(columns.cell(record.fields, Field.FULL_NAME))


def _turned_round(name: str) -> str:
    """`Lovelace, Ada` as `Ada Lovelace`; a suffix stays last, and other commas mean nothing."""
    parts = [part.strip() for part in name.split(",")]
    suffix = ""
    if len(parts) > 1 and parts[-1].replace(".", "").casefold() in _SUFFIXES:
        suffix = f", {parts.pop()}"
    if len(parts) != 2 or not all(parts):
        return name
    return f"{parts[1]} {parts[0]}{suffix}"


def _without_lines_of_canvas(table: list[Record], columns: Columns) -> tuple[list[Record], Iterator[str]]:
    """Drop the lines of a Canvas gradebook that are no people, and say which."""
    people, skipped = [], []
    for position, record in enumerate(table):
        if _is_no_person(record, columns, near_header=position < 2):
            skipped.append(record.line)
        else:
            people.append(record)
    return people, (message("Skipped line {line}, which is Canvas's own.", line=line) for line in skipped)


def _is_no_person(record: Record, columns: Columns, *, near_header: bool) -> bool:
    if columns.has_name_parts:
        return False
    name = columns.cell(record.fields, Field.FULL_NAME)
    if name == "Student, Test":
        return True
    if not near_header or columns.cell(record.fields, Field.UID):
        return False
    return name == "Points Possible" or (not name and "Manual Posting" in record.fields)


def _notes(encoding: str, delimiter: str, columns: Columns) -> Iterator[str]:
    """What was decided about the file, so that a wrong decision is seen before it is written."""
    used = (field for field in Field if field in columns.positions)
    yield message(
        "Read as {encoding} with {separators}: {fields}.",
        encoding=_ENCODINGS.get(encoding, encoding.upper()),
        separators=DELIMITERS[delimiter],
        fields=joined((_SOURCES[field].filled(column=columns.header(field)) for field in used), ", "),
    )
    if encoding in _ENCODINGS:
        yield message("The file isn't in Unicode. Check that names with accents are right below.")
    if columns.unused:
        named = quoted(columns.unused[:_NAMED_COLUMNS])
        more = len(columns.unused) - _NAMED_COLUMNS
        yield (
            message("Columns not used: {columns} and {count} more.", columns=named, count=more)
            if more > 0
            else message("Columns not used: {columns}.", columns=named)
        )
