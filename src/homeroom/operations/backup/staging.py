"""A rehearsal before anything is touched: the archive in a database of its own, then brought up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import msgspec
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from homeroom.config import Config, SqliteSynchronous
from homeroom.data.database import WRITES_NOT_DURABLY
from homeroom.operations.backup.archive import Archive
from homeroom.operations.backup.errors import ArchiveError
from homeroom.operations.backup.manifest import Manifest
from homeroom.operations.backup.progress import Progress
from homeroom.operations.backup.rows import (
    TableSum,
    broken_references,
    insert_rows,
    kept_tables,
    parse_lines,
    snapshot,
    sum_rows,
)
from homeroom.operations.backup.workshop import opened


@dataclass(frozen=True)
class Staged:
    """A database with an archive's rows at the newest revision, and what its tables add up to."""

    engine: Engine
    tables: dict[str, TableSum]


@contextmanager
def staged(archive: Archive, config: Config, work: Path, progress: Progress) -> Iterator[Staged]:
    """The rows of an archive in a database of this version, with every rule of its tables satisfied.

    Raises:
        ArchiveError: the rows break a rule, are not what the manifest says, or are of a newer version.
    """
    aside = config.model_copy(
        update={
            "database_url": f"sqlite:///{work / 'staging.db'}",
            "uploads_url": (work / "staging-uploads").as_uri(),
            "sqlite_synchronous": SqliteSynchronous.NORMAL,
        }
    )
    with opened(aside) as engine:
        _require_known(archive.manifest)
        progress.stage("Rehearsing", len(archive.manifest.tables))
        flask_migrate.upgrade(revision=archive.manifest.revision)
        _load(engine, archive, progress)
        flask_migrate.upgrade()
        yield Staged(engine, sums_of(engine))


def _require_known(manifest: Manifest) -> None:
    scripts = ScriptDirectory(f"{current_app.root_path}/migrations")
    if manifest.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise ArchiveError(
            f"The archive was made by Homeroom {manifest.homeroom}, whose tables (revision "
            f"{manifest.revision}) this version does not know: install that version, or a newer one."
        )


def _load(engine: Engine, archive: Archive, progress: Progress) -> None:
    with engine.connect().execution_options(**WRITES_NOT_DURABLY) as connection:
        _switch_foreign_keys(connection, "OFF")
        with connection.begin():
            tables = {table.name: table for table in kept_tables(connection)}
            if tables.keys() != archive.manifest.tables.keys():
                raise ArchiveError("The archive's tables are not those of its revision.")
            for table in tables.values():
                try:
                    insert_rows(connection, table, parse_lines(table, archive.lines(table.name)))
                except (DBAPIError, msgspec.MsgspecError) as error:
                    raise ArchiveError(_why_refused(table.name, error)) from None
                progress.advance()
            broken = broken_references(connection)
            if broken:
                raise ArchiveError(f"{broken} rows of the archive refer to nothing.")
        _switch_foreign_keys(connection, "ON")
    if sums_of(engine) != archive.manifest.tables:
        raise ArchiveError("The archive's rows do not come back as they were written.")


def _switch_foreign_keys(connection: Connection, state: str) -> None:
    """Rows are checked once all are there; SQLite ignores the switch inside a transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA foreign_keys={state}")


def _why_refused(table: str, error: Exception) -> str:
    reason = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
    return f"A row of the archive's table {table} breaks its rules: {reason}."


def sums_of(engine: Engine) -> dict[str, TableSum]:
    """What each table adds up to."""
    with snapshot(engine) as connection:
        return {table.name: sum_rows(connection, table) for table in kept_tables(connection)}
