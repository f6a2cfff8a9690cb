"""What is there before a restore: it is kept aside, whatever state it is in."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from homeroom.config import Config
from homeroom.data.types import utc_now
from homeroom.operations.backup.errors import BackupError
from homeroom.operations.backup.making import write_archive
from homeroom.operations.backup.manifest import archive_name, stamp
from homeroom.operations.backup.progress import Progress
from homeroom.operations.backup.rows import has_rows, revision_of, snapshot

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# A SQLite database is up to three files: https://www.sqlite.org/tempfiles.html
_SUFFIXES = ("", "-wal", "-shm")


class Present(Enum):
    """The state of the database that a restore is going to fill."""

    ABSENT = auto()
    EMPTY = auto()
    FILLED = auto()
    DAMAGED = auto()


def look_at(config: Config, engine: Engine) -> Present:
    """What is there, without changing it.

    Raises:
        BackupError: a server still has a database open that is damaged or gone.
    """
    path = _sqlite_file(config)
    if path is not None and (not path.exists() or path.stat().st_size == 0):
        _require_unused(path)
        return Present.ABSENT
    try:
        with snapshot(engine) as connection:
            if path is not None and connection.execute(sa.text("PRAGMA quick_check")).scalar() != "ok":
                state = Present.DAMAGED
            elif revision_of(connection) is None:
                state = Present.ABSENT
            else:
                state = Present.FILLED if has_rows(connection) else Present.EMPTY
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorcode", None) not in _DAMAGE:
            raise
        state = Present.DAMAGED
    if state is Present.DAMAGED:
        assert path is not None
        _require_unused(path)
    return state


def _sqlite_file(config: Config) -> Path | None:
    url = config.database
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None


def _require_unused(path: Path) -> None:
    """A server that holds a file that is gone would go on writing into it, and lose what it says is kept."""
    users = sorted(set(_processes_that_have_open(path)) - {os.getpid()})
    if users:
        raise BackupError(
            f"A server still has {path} open (process {', '.join(map(str, users))}), which is damaged or "
            "gone: stop it, then restore."
        )


def _processes_that_have_open(path: Path) -> Iterator[int]:
    """Ids of processes that hold a file or its deleted namesake; known on Linux alone."""
    names = {str(path), f"{path} (deleted)"}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in names:
                yield int(link.parts[2])
        except OSError:
            # It has ended meanwhile, or is somebody else's.
            continue


def new_folder(config: Config) -> Path:
    """A folder for what was there before this restore; made when something goes into it."""
    moment = utc_now()
    while (folder := config.instance_path.resolve() / f"before-restore-{stamp(moment)}").exists():
        moment += timedelta(seconds=1)
    return folder


def keep_archive(engine: Engine, folder: Path, work: Path, progress: Progress) -> Path:
    """An archive of what is there; it stays on this machine, so it need not be encrypted."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / archive_name(utc_now(), encrypted=False)
    write_archive(path, engine, work, None, progress)
    return path


@contextmanager
def moved_away(config: Config, engine: Engine, folder: Path) -> Iterator[None]:
    """Damaged files of SQLite are in the folder; if what follows fails, they are back where they were."""
    path = _sqlite_file(config)
    assert path is not None
    engine.dispose()
    _move(path, path.parent, folder)
    try:
        yield
    except BaseException:
        engine.dispose()
        for suffix in _SUFFIXES:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        _move(path, folder, path.parent)
        raise


def _move(path: Path, source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for suffix in _SUFFIXES:
        name = path.name + suffix
        if (source / name).exists():
            # The two may be on different disks.
            shutil.move(source / name, target / name)
