"""Restoring: everything is checked and rehearsed first; then the database is filled in one transaction."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
from alembic.script import ScriptDirectory
from flask import current_app
from pyrage.x25519 import Identity
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from homeroom.config import Config
from homeroom.data.database import WRITES
from homeroom.data.errors import Unavailable
from homeroom.data.files import make_folder, replace_file
from homeroom.operations.backup.archive import Archive, reading
from homeroom.operations.backup.encryption import decrypt, is_encrypted
from homeroom.operations.backup.errors import ArchiveError, BackupError
from homeroom.operations.backup.making import PICTURES, picture_names
from homeroom.operations.backup.places import Place
from homeroom.operations.backup.present import Present, keep_archive, look_at, moved_away, new_folder
from homeroom.operations.backup.progress import Progress
from homeroom.operations.backup.rows import (
    TableSum,
    emptied_tables,
    insert_rows,
    kept_tables,
    lock_tables,
    raise_last_ids,
    read_rows,
    revision_of,
    snapshot,
    sum_rows,
)
from homeroom.operations.backup.staging import Staged, staged
from homeroom.operations.backup.workshop import opened
from homeroom.uploads.storage import PictureMissingError, Storage, current_storage


@dataclass(frozen=True)
class Restored:
    """What a restore has done."""

    # What each table adds up to now.
    tables: dict[str, TableSum]
    # The names of the pictures' files that are there now.
    files: list[str]
    # Files that pictures need, and that neither the archive nor the storage has.
    missing: list[str]
    # Where what was there before is kept; None: there was nothing.
    kept_aside: Path | None
    key_restored: bool

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


@contextmanager
def fetched(
    place: Place, name: str, identities: Sequence[Identity], work: Path, progress: Progress
) -> Iterator[Archive]:
    """An archive on this machine, opened and checked.

    Raises:
        ArchiveError: it is encrypted to others, damaged, not Homeroom's, or of a newer format.
    """
    path, plain = work / "fetched", work / "fetched.tar"
    progress.stage(f"Fetching {name}")
    place.fetch(name, path)
    if is_encrypted(path):
        if not identities:
            raise ArchiveError(f"{name} is encrypted. Pass your age key file with --identity FILE.")
        progress.stage("Decrypting")
        decrypt(path, plain, identities)
        path = plain
    with reading(path, name, progress) as archive:
        yield archive


def restore(archive: Archive, config: Config, work: Path, progress: Progress) -> Restored:
    """Put an archive's state in the place of what is there, or leave that as it is.

    Raises:
        BackupError: something is wrong with the archive, the database or the storage.
    """
    with staged(archive, config, work, progress) as rehearsed, opened(config) as engine, ExitStack() as undo:
        needed = _needed_pictures(archive, rehearsed)
        present = look_at(config, engine)
        folder = new_folder(config)
        _require_known(engine, present)
        if present is Present.FILLED:
            progress.stage("Keeping what is there")
            keep_archive(engine, folder, work, progress)
        elif present is Present.DAMAGED:
            undo.enter_context(moved_away(config, engine, folder))
        flask_migrate.upgrade()
        missing = _write_pictures(archive, needed, progress)
        _fill(engine, rehearsed, archive, progress)
    key_restored = _restore_key(archive, config, folder)
    return Restored(
        tables=rehearsed.tables,
        files=[name for name in needed if name not in missing],
        missing=missing,
        kept_aside=folder if folder.exists() else None,
        key_restored=key_restored,
    )


def _needed_pictures(archive: Archive, rehearsed: Staged) -> list[str]:
    """The names of all files that the pictures of the archive need.

    Raises:
        ArchiveError: the archive lacks one, and does not say so.
    """
    with snapshot(rehearsed.engine) as connection:
        tables = [table for table in kept_tables(connection) if table.name == PICTURES]
        needed = [name for table in tables for name in picture_names(read_rows(connection, table))]
    unknown = set(needed) - archive.manifest.files.keys() - set(archive.manifest.missing)
    if unknown:
        raise ArchiveError(f"The archive lacks {len(unknown)} files of its pictures, such as {min(unknown)}.")
    return needed


def _require_known(engine: Engine, present: Present) -> None:
    """Tables of a newer version cannot be filled by this one."""
    if present is Present.DAMAGED or present is Present.ABSENT:
        return
    with snapshot(engine) as connection:
        revision = revision_of(connection)
    scripts = ScriptDirectory(f"{current_app.root_path}/migrations")
    known = {script.revision for script in scripts.walk_revisions()}
    if revision not in known:
        raise BackupError(
            f"The database is of a newer Homeroom (revision {revision}); restore with that version, "
            "or into an empty database."
        )


def _write_pictures(archive: Archive, needed: list[str], progress: Progress) -> list[str]:
    """Bring back files that are gone or damaged; returns those that cannot be."""
    storage = current_storage()
    progress.stage("Writing pictures", len(needed))
    missing = []
    try:
        for name in needed:
            present = sum_stored(storage, name)
            kept = archive.manifest.files.get(name)
            if kept is not None and present != kept.sha256:
                storage.save(name, archive.picture(name))
            elif kept is None and present is None:
                missing.append(name)
            progress.advance()
    except Unavailable as error:
        raise BackupError(error.detail) from None
    return missing


def sum_stored(storage: Storage, name: str) -> str | None:
    """The SHA-256 of a file that the storage has; None: it has none."""
    try:
        return hashlib.sha256(storage.read(name)).hexdigest()
    except PictureMissingError:
        return None


def _fill(engine: Engine, rehearsed: Staged, archive: Archive, progress: Progress) -> None:
    """Empty the tables, fill them, read them again, and commit only what is as it was rehearsed."""
    progress.stage("Filling the database", len(rehearsed.tables))
    try:
        with (
            snapshot(rehearsed.engine) as source,
            engine.connect().execution_options(**WRITES) as target,
            target.begin(),
        ):
            lock_tables(target)
            _replace_rows(source, target, progress)
            tables = kept_tables(target)
            if {table.name: sum_rows(target, table) for table in tables} != rehearsed.tables:
                raise BackupError("The database doesn't return what was written. Nothing was changed.")
            raise_last_ids(target, tables, archive.manifest.last_ids)
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        raise BackupError(f"The database rejected the rows ({reason}). Nothing was changed.") from None


def _replace_rows(source: Connection, target: Connection, progress: Progress) -> None:
    for table in emptied_tables(target):
        target.execute(table.delete())
    filled = {table.name: table for table in kept_tables(target)}
    for table in kept_tables(source):
        insert_rows(target, filled[table.name], read_rows(source, table))
        progress.advance()


def _restore_key(archive: Archive, config: Config, folder: Path) -> bool:
    """Printed join codes are good with the key that they were made with."""
    key, path = archive.secret_key(), config.key_file
    if key is None or config.secret_key is not None:
        return False
    if path.exists() and path.read_bytes() == key:
        return False
    if path.exists():
        make_folder(folder)
        replace_file(folder / path.name, path.read_bytes())
    replace_file(path, key)
    return True
