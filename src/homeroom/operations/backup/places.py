"""Where archives are kept: a folder or a bucket of any S3. Under an archive's name stands a whole one."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError

from homeroom.data.buckets import open_bucket
from homeroom.data.files import make_folder, new_file, open_private, rename_file
from homeroom.operations.backup.errors import BackupError
from homeroom.operations.backup.manifest import archive_moment

_CHUNK_BYTES = 1024 * 1024
_ASIDE = ".incoming-"
# A request for a large archive over a slow line takes its time; one that hangs ends.
_CALL_TIMEOUT = timedelta(minutes=10)
_RETRY_TIMEOUT = timedelta(seconds=60)


@dataclass(frozen=True)
class StoredArchive:
    """An archive that a place has."""

    name: str
    made_at: datetime
    size_bytes: int


class Place(Protocol):
    """Archives by name. Each call raises `BackupError` where the disk or the S3 fails."""

    address: str

    def archives(self) -> list[StoredArchive]:
        """All archives, the newest first."""

    def put(self, path: Path, name: str) -> None:
        """Take a file in; under its name it is there only once it was read again and found whole."""

    def fetch(self, name: str, path: Path) -> None:
        """Copy an archive into a new file."""

    def delete(self, name: str) -> None:
        """Forget an archive."""


def open_place(url: str) -> Place:
    """The place of an address, file:// or s3://."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)))
    return Bucket(url)


class Folder:
    """A folder of this machine, such as a disk that is mounted from elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = str(folder)

    def archives(self) -> list[StoredArchive]:
        with _failures_of(self.address):
            paths = list(self._folder.iterdir()) if self._folder.exists() else []
            return _newest_first((path.name, path.stat().st_size) for path in paths if path.is_file())

    def put(self, path: Path, name: str) -> None:
        aside = self._folder / f"{_ASIDE}{name}"
        with _failures_of(self.address):
            make_folder(self._folder)
            # What a run that was killed has left; there is one run at a time.
            for left in self._folder.glob(f"{_ASIDE}*"):
                left.unlink()
            try:
                _copy_to_disk(path, aside)
                if _sum_file(aside) != _sum_file(path):
                    raise BackupError(f"{self.address} doesn't return what was written.")
                rename_file(aside, self._folder / name)
            finally:
                aside.unlink(missing_ok=True)

    def fetch(self, name: str, path: Path) -> None:
        with (
            _failures_of(self.address),
            (self._folder / name).open("rb") as source,
            open_private(path) as target,
        ):
            shutil.copyfileobj(source, target, _CHUNK_BYTES)

    def delete(self, name: str) -> None:
        with _failures_of(self.address):
            (self._folder / name).unlink()


class Bucket:
    """A bucket of any S3; the key, the region and the endpoint are in the environment (`AWS_…`)."""

    def __init__(self, url: str) -> None:
        self.address = url
        with _failures_of(url):
            self._store = open_bucket(url, timeout=_CALL_TIMEOUT, retry_timeout=_RETRY_TIMEOUT)

    def archives(self) -> list[StoredArchive]:
        with _failures_of(self.address):
            found = obstore.list_with_delimiter(self._store)["objects"]
            return _newest_first((file["path"], file["size"]) for file in found)

    def put(self, path: Path, name: str) -> None:
        with _failures_of(self.address):
            # S3 shows an upload once it is complete, and never a part of it.
            obstore.put(self._store, name, path)
            digest = hashlib.sha256()
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=_CHUNK_BYTES):
                digest.update(chunk)
            if digest.hexdigest() != _sum_file(path):
                obstore.delete(self._store, name)
                raise BackupError(f"{self.address} doesn't return what was written.")

    def fetch(self, name: str, path: Path) -> None:
        with _failures_of(self.address), open_private(path) as target:
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=_CHUNK_BYTES):
                target.write(chunk)

    def delete(self, name: str) -> None:
        with _failures_of(self.address):
            obstore.delete(self._store, name)


def _newest_first(files: Iterator[tuple[str, int]]) -> list[StoredArchive]:
    found = [
        StoredArchive(name, made_at, size)
        for name, size in files
        if (made_at := archive_moment(name)) is not None
    ]
    return sorted(found, key=lambda archive: (archive.made_at, archive.name), reverse=True)


def _copy_to_disk(path: Path, target: Path) -> None:
    with path.open("rb") as source, new_file(target) as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)


def _sum_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _failures_of(address: str) -> Iterator[None]:
    """A failing disk or S3 in one line; an S3's own text may hold addresses that are signed."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupError(f"No such archive at {address}.") from error
    except OSError as error:
        raise BackupError(f"{address} can't be used: {error.strerror or type(error).__name__}.") from error
    except BaseError as error:
        raise BackupError(f"{address} can't be reached: {type(error).__name__}.") from None
