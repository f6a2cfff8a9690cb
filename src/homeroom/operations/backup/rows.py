"""Rows of any table of either database as lines of JSON, and back.

Tables are read as the database itself describes them, not as the models do: so an older revision, and a
table that a class has added, are kept like every other.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.types import JSON

# Sessions: one that was ended must not come back to life. Counts of guesses are of no use later. The
# directory, the tallies, the words of names and the versions of drafts are kept by triggers (migrations
# 0004, 0008, 0010 and 0013), and Alembic's revision stands in the manifest.
LEFT_OUT = frozenset(
    {
        "alembic_version",
        "attempt_counts",
        "directory",
        "draft_versions",
        "heartbeat",
        "name_words",
        "sessions",
        "tallies",
        "tally_changes",
    }
)
# What a restore empties: sessions too, so that everybody signs in again.
_NOT_EMPTIED = LEFT_OUT - {"sessions"}
_ROWS_AT_ONCE = 500

Row = dict[str, Any]


class TableSum(BaseModel):
    """What a table's lines add up to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    size: int
    sha256: str


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """One reading transaction that sees a single moment, on either database."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


def revision_of(connection: Connection) -> str | None:
    """The migration that the tables are at; None: there are no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def kept_tables(connection: Connection) -> list[Table]:
    """The tables that an archive holds; those that others refer to come first."""
    return [table for table in _all_tables(connection) if table.name not in LEFT_OUT]


def emptied_tables(connection: Connection) -> list[Table]:
    """The tables that a restore empties; those that refer to others come first."""
    return [table for table in reversed(_all_tables(connection)) if table.name not in _NOT_EMPTIED]


def _all_tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata.sorted_tables


def read_rows(connection: Connection, table: Table) -> Iterator[Row]:
    """A table's rows in the order of its key, some at a time; moments are aware and in UTC."""
    columns = sorted(table.columns, key=lambda column: column.name)
    names = [column.name for column in columns]
    statement = select(*columns).order_by(*_order(connection, table))
    for row in connection.execute(statement, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield dict(zip(names, map(_in_utc, row), strict=True))


def _order(connection: Connection, table: Table) -> Iterator[ColumnElement[Any]]:
    """By code points on both databases, so that equal rows make equal lines."""
    for column in table.primary_key.columns or table.columns:
        if isinstance(column.type, String) and connection.dialect.name == "postgresql":
            yield column.collate("C")
        else:
            yield column


def _in_utc(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    # SQLite keeps no time zone; what it keeps is in UTC.
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def write_lines(rows: Iterable[Row], write: Callable[[bytes], object]) -> TableSum:
    """Rows as lines of JSON: moments in ISO 8601, bytes in base64, names in order."""
    digest, count, size = hashlib.sha256(), 0, 0
    for row in rows:
        line = msgspec.json.encode(row) + b"\n"
        write(line)
        digest.update(line)
        count, size = count + 1, size + len(line)
    return TableSum(rows=count, size=size, sha256=digest.hexdigest())


def sum_rows(connection: Connection, table: Table) -> TableSum:
    """What a table's lines would add up to."""
    return write_lines(read_rows(connection, table), lambda _line: None)


def parse_lines(table: Table, lines: Iterable[bytes]) -> Iterator[Row]:
    """Lines as rows that fit a table.

    Raises:
        msgspec.ValidationError: a line is no row of this table.
    """
    columns = list(table.columns)
    fields = [(f"column_{place}", _python_type(column)) for place, column in enumerate(columns)]
    renamed = {f"column_{place}": str(column.name) for place, column in enumerate(columns)}
    shape = msgspec.defstruct("Row", fields, rename=renamed, forbid_unknown_fields=True)
    decoder = msgspec.json.Decoder(shape)
    for line in lines:
        values = msgspec.structs.astuple(decoder.decode(line))
        yield dict(zip((column.name for column in columns), values, strict=True))


def _python_type(column: ColumnElement[Any]) -> Any:
    return Any if isinstance(column.type, JSON) else column.type.python_type | None


def insert_rows(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Put rows into a table, some at a time."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        connection.execute(table.insert(), chunk)


def last_ids(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """The last id that each table gave out, its row deleted or not: none is given out twice."""
    if connection.dialect.name == "sqlite":
        return _sqlite_last_ids(connection, tables)
    ids = {}
    for table, sequence in _sequences(connection, tables):
        # A name that PostgreSQL itself has quoted.
        statement = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")  # noqa: S608
        ids[table.name] = int(connection.execute(statement).scalar_one())
    return ids


def _sqlite_last_ids(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    known = {table.name for table in tables}
    # https://www.sqlite.org/autoinc.html; SQLite makes the table with the first AUTOINCREMENT.
    if not connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first():
        return {}
    given = connection.execute(text("SELECT name, seq FROM sqlite_sequence")).all()
    return {name: seq for name, seq in given if name in known}


def _sequences(connection: Connection, tables: Iterable[Table]) -> Iterator[tuple[Table, str]]:
    for table in tables:
        for column in table.primary_key.columns:
            if isinstance(column.type, Integer):
                statement = select(func.pg_get_serial_sequence(table.name, column.name))
                sequence = connection.execute(statement).scalar_one()
                if sequence is not None:
                    yield table, sequence


def raise_last_ids(connection: Connection, tables: Iterable[Table], least: Mapping[str, int]) -> None:
    """Give out no id up to these again, nor one that this database itself has given out."""
    if connection.dialect.name == "sqlite":
        _raise_sqlite_last_ids(connection, least)
        return
    tables = list(tables)
    present = last_ids(connection, tables)
    for table, sequence in _sequences(connection, tables):
        last = max(present[table.name], least.get(table.name, 0))
        if last > 0:
            connection.execute(select(func.setval(sequence, last)))


def _raise_sqlite_last_ids(connection: Connection, least: Mapping[str, int]) -> None:
    for name, last in least.items():
        values = {"name": name, "last": last}
        raised = connection.execute(
            text("UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = :name"), values
        )
        if raised.rowcount == 0:
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)


def lock_tables(connection: Connection) -> None:
    """Keep others from writing until the transaction ends; reading goes on. On SQLite it is so already."""
    if connection.dialect.name == "postgresql":
        preparer = connection.dialect.identifier_preparer
        names = ", ".join(preparer.format_table(table) for table in emptied_tables(connection))
        connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": "30s"})
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def has_rows(connection: Connection) -> bool:
    """Whether there is anything that a backup would hold."""
    one = select(text("1")).limit(1)
    return any(connection.execute(one.select_from(table)).first() for table in kept_tables(connection))


def broken_references(connection: Connection) -> int:
    """How many rows of a SQLite database refer to nothing."""
    return len(connection.execute(text("PRAGMA foreign_key_check")).all())
