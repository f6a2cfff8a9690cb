"""Making a backup: one moment of the database and the pictures of that moment, checked at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from pyrage.x25519 import Recipient
from sqlalchemy import Engine, select, text

from homeroom import __version__
from homeroom.config import Config
from homeroom.config.checks import parse_keep
from homeroom.data.errors import Unavailable
from homeroom.data.types import utc_now
from homeroom.operations.backup.archive import ArchiveWriter, reading, writing
from homeroom.operations.backup.encryption import decrypt, encrypt, read_recipients
from homeroom.operations.backup.errors import BackupError
from homeroom.operations.backup.manifest import FORMAT, FileSum, Manifest, archive_name
from homeroom.operations.backup.places import Place, StoredArchive
from homeroom.operations.backup.progress import Progress
from homeroom.operations.backup.rows import (
    TableSum,
    kept_tables,
    last_ids,
    read_rows,
    revision_of,
    snapshot,
    write_lines,
)
from homeroom.operations.backup.schedule import outlived
from homeroom.uploads.models import Picture, is_digest
from homeroom.uploads.renditions import PictureType
from homeroom.uploads.storage import PictureMissingError, current_storage

# A picture may be deleted while its files are copied. Each try copies only what the ones before did not.
_MAX_TRIES = 10
PICTURES = "pictures"


class PictureDeletedError(Exception):
    """A picture of the snapshot was deleted while its files were copied: a newer snapshot is needed."""


@dataclass(frozen=True)
class Backup:
    """An archive that was made, and what the schedule deleted after it."""

    name: str
    manifest: Manifest
    pruned: list[StoredArchive]


@dataclass(frozen=True)
class Snapshot:
    """The tables of one moment, as files of lines."""

    taken_at: datetime
    revision: str
    folder: Path
    tables: dict[str, TableSum]
    last_ids: dict[str, int]

    def lines_of(self, table: str) -> Path:
        return self.folder / f"{table}.jsonl"


def make_backup(
    config: Config, engine: Engine, place: Place, recipients: Sequence[str], work: Path, progress: Progress
) -> Backup:
    """Make an archive, check it, put it into its place, and let go of those that the schedule does not keep.

    Raises:
        BackupError: the database, the pictures or the place cannot be read or written.
    """
    keys = read_recipients(recipients)
    path = work / "backup.tar"
    manifest = write_archive(path, engine, work, config.key_file if keys else None, progress)
    if keys:
        path = _encrypted(path, work, keys, progress)
    else:
        _check(path, progress)
    name = archive_name(
        manifest.made_at, encrypted=bool(keys), taken=[archive.name for archive in place.archives()]
    )
    progress.stage(f"Writing to {place.address}")
    place.put(path, name)
    pruned = outlived(place.archives(), parse_keep(config.backup_keep))
    for archive in pruned:
        place.delete(archive.name)
    return Backup(name, manifest, pruned)


def _encrypted(path: Path, work: Path, recipients: Sequence[Recipient], progress: Progress) -> Path:
    """The archive encrypted, once what was written was opened again and found whole."""
    secret, opened = work / "backup.tar.age", work / "checked.tar"
    progress.stage("Encrypting")
    passing = encrypt(path, secret, recipients)
    path.unlink()
    decrypt(secret, opened, [passing])
    _check(opened, progress)
    opened.unlink()
    return secret


def _check(path: Path, progress: Progress) -> None:
    with reading(path, path.name, progress):
        return


def write_archive(
    path: Path, engine: Engine, work: Path, key_file: Path | None, progress: Progress
) -> Manifest:
    """Write all that the database and its storage hold into a new archive."""
    with writing(path) as archive:
        taken, missing = _snapshot_with_pictures(archive, engine, work / "tables", progress)
        for table in taken.tables:
            archive.add_table(table, taken.lines_of(table))
        manifest = Manifest(
            format=FORMAT,
            homeroom=__version__,
            revision=taken.revision,
            made_at=taken.taken_at,
            database="sqlite" if engine.dialect.name == "sqlite" else "postgresql",
            tables=taken.tables,
            last_ids=taken.last_ids,
            files=archive.files,
            missing=missing,
            secret_key=_add_key(archive, key_file),
        )
        archive.finish(manifest)
    return manifest


def _add_key(archive: ArchiveWriter, key_file: Path | None) -> FileSum | None:
    if key_file is None or not key_file.exists():
        return None
    return archive.add_secret_key(key_file.read_bytes())


def _snapshot_with_pictures(
    archive: ArchiveWriter, engine: Engine, folder: Path, progress: Progress
) -> tuple[Snapshot, list[str]]:
    """A snapshot all of whose pictures are in the archive, and the names of files that are lost."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for _ in range(_MAX_TRIES):
        taken = _take_snapshot(engine, folder, progress)
        try:
            return taken, _copy_pictures(archive, engine, taken, progress)
        except PictureDeletedError:
            continue
    raise BackupError(
        "Pictures are being deleted faster than they can be copied. Try again at a quieter time."
    )


def _take_snapshot(engine: Engine, folder: Path, progress: Progress) -> Snapshot:
    with snapshot(engine) as connection:
        revision, taken_at = revision_of(connection), utc_now()
        if revision is None:
            raise BackupError("The database has no tables yet, so there's nothing to back up.")
        tables = kept_tables(connection)
        progress.stage("Reading tables", len(tables))
        sums = {}
        for table in tables:
            with (folder / f"{table.name}.jsonl").open("wb") as lines:
                sums[table.name] = write_lines(read_rows(connection, table), lines.write)
            progress.advance()
        return Snapshot(taken_at, revision, folder, sums, last_ids(connection, tables))


def _copy_pictures(archive: ArchiveWriter, engine: Engine, taken: Snapshot, progress: Progress) -> list[str]:
    """Copy the files that the archive does not have yet; returns those that the storage has lost.

    Raises:
        PictureDeletedError: one is gone because its picture is.
    """
    if PICTURES not in taken.tables:
        return []
    missing = []
    storage = current_storage()
    progress.stage("Copying pictures", taken.tables[PICTURES].rows)
    with taken.lines_of(PICTURES).open("rb") as lines:
        for picture in map(picture_of, map(msgspec.json.decode, lines)):
            for name in picture.file_names():
                if name in archive.files:
                    continue
                try:
                    archive.add_picture(name, storage.read(name))
                except PictureMissingError:
                    _require_picture(engine, picture)
                    missing.append(name)
                except Unavailable as error:
                    raise BackupError(error.detail) from None
            progress.advance()
    return missing


def picture_of(row: dict[str, object]) -> Picture:
    """Enough of a picture to know what its files are called.

    Raises:
        BackupError: its digest is none, and may name anything.
    """
    if not is_digest(str(row["digest"])):
        raise BackupError(
            f"A picture has the digest {str(row['digest'])[:80]!r}, which Homeroom never wrote."
        )
    return Picture(owner_id=row["owner_id"], digest=row["digest"], type=PictureType(str(row["type"])))


def picture_names(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    """The names of the files of all these pictures."""
    for row in rows:
        yield from picture_of(row).file_names()


def _require_picture(engine: Engine, picture: Picture) -> None:
    """A file that is not there is lost only if its picture is there still."""
    with engine.connect() as connection:
        statement = select(text("1")).select_from(Picture).where(Picture.digest == picture.digest)
        if connection.execute(statement).first() is None:
            raise PictureDeletedError
