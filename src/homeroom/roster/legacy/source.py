"""Reading the SQLite file of an old server: the rows of its users, and in words what stays behind."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from homeroom.roster.text import shown

REQUIRED_COLUMNS = ("_uid", "_name")
OPTIONAL_COLUMNS = ("id", "_password", "_dob", "_email", "_hashmap", "_role", "_pfp")
# What of a strange database is named.
_MAX_NAMED = 20

Row = dict[str, object]


class LegacyError(Exception):
    """The file is no database of the lesson's kind; the text says what was found instead."""


@dataclass(frozen=True)
class Source:
    """The rows of the table `users`, and a sentence for each part that is taken or left."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def read_source(path: Path) -> Source:
    """Read an old database without changing it.

    Raises:
        LegacyError: it is no SQLite database, is damaged, or has no such users.
    """
    # SQLite would make an empty database of a path that is not there.
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            # Bytes that are no UTF-8 are kept apart, and refused with their row.
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            columns = _columns(connection, "users")
            _require_columns(path, columns, connection)
            notes = (*_notes_on_columns(columns), *_notes_on_tables(connection, path))
            return Source(tuple(_users(connection)), notes)
    except sqlite3.Error as error:
        raise LegacyError(f"{path} can't be read: {_reason(error)}") from None


def cell_text(value: object) -> str:
    """A cell as text; SQLite's columns hold whatever was put into them."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)


def _reason(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return "another program is writing to it. Stop the old server first."
    return "it isn't an SQLite database, is encrypted, or is damaged."


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that people made, by name."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' "
        "ORDER BY name"
    )
    return [name for (name,) in found]


def _require_columns(path: Path, columns: list[str], connection: sqlite3.Connection) -> None:
    if not columns:
        raise LegacyError(f"{path} has no table “users”. Its tables: {_listed(_tables(connection))}.")
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        raise LegacyError(
            f"The table “users” of {path} has no column {' and '.join(missing)}, "
            "so it isn't from the lesson's server."
        )


def _listed(names: list[str]) -> str:
    more = [f"and {len(names) - _MAX_NAMED} more"] if len(names) > _MAX_NAMED else []
    return ", ".join([shown(name) for name in names[:_MAX_NAMED]] + more) or "none"


def _notes_on_columns(columns: list[str]) -> Iterator[str]:
    known = REQUIRED_COLUMNS + OPTIONAL_COLUMNS
    yield f"Imported columns: {_listed([column for column in columns if column in known])}."
    unknown = [column for column in columns if column not in known]
    if unknown:
        yield f"Columns not imported: {_listed(unknown)}."


def _notes_on_tables(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    for table in _tables(connection):
        if table == "users":
            continue
        quoted = table.replace('"', '""')
        (count,) = connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608  quoted
        if table == "posts" and count:
            yield (
                f"{count} posts weren't imported: they belong to the portfolio, and are still in {path}. "
                "Keep that file and the pictures beside it."
            )
        else:
            rows = "1 row" if count == 1 else f"{count} rows"
            yield f"Table not imported: {shown(table)}, {rows} of {_listed(_columns(connection, table))}."


def _users(connection: sqlite3.Connection) -> Iterator[Row]:
    cursor = connection.execute("SELECT * FROM users")
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
