"""Where pictures are kept: a local folder, or any S3, behind four calls."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import NoReturn, Protocol, cast
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from flask import Flask, current_app
from obstore.exceptions import BaseError

from homeroom.config import Config, ConfigError
from homeroom.data.buckets import open_bucket
from homeroom.data.errors import NO_ROOM, OPERATOR_RETRY_S, Unavailable
from homeroom.data.files import make_folder, replace_file

RETRY_S = 10
# A page's largest rendition has some megabytes; whoever waits for it has a thread meanwhile.
CALL_TIMEOUT = timedelta(seconds=10)
MAX_CALLS, CALL_WAIT_S = 16, 1
log = structlog.get_logger(__name__)


class PictureMissingError(Exception):
    """The database names a picture that the storage does not have."""


@dataclass(frozen=True)
class StoredFile:
    """A file that the storage has."""

    name: str
    modified_at: datetime
    size_bytes: int


class Storage(Protocol):
    """Files by name; a name, once given, means the same bytes for ever.

    Each call raises `Unavailable` (503) where the disk is full or fails, or the S3 does, or does not
    answer in ten seconds. Nobody holds a connection to the database while they call.
    """

    def save(self, name: str, data: bytes) -> None:
        """Keep a file; it is there whole, for good, or not at all."""

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            PictureMissingError: there is none of this name.
        """

    def delete(self, name: str) -> None:
        """Forget a file; one that is gone already stays so."""

    def files(self) -> Iterator[StoredFile]:
        """All files, those that a crash left half-written among them."""


class LocalStorage:
    """A folder. obstore's own store for folders does not wait for the disk, so this does."""

    # Files are written here first; what a crash leaves behind is found by `files` and swept.
    _ASIDE = "incoming"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder / self._ASIDE)

    def _path(self, name: str) -> Path:
        """Where a file lies: below the folder, whoever made the name up."""
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} is not the name of a stored file.")
        return self._folder / name

    def save(self, name: str, data: bytes) -> None:
        path = self._path(name)
        with _failures_are_503("save"):
            make_folder(path.parent)
            replace_file(path, data, aside=self._folder / self._ASIDE)

    def read(self, name: str) -> bytes:
        with _failures_are_503("read"):
            try:
                return self._path(name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                raise PictureMissingError(name) from None

    def delete(self, name: str) -> None:
        path = self._path(name)
        with _failures_are_503("delete"):
            path.unlink(missing_ok=True)
            if path.parent != self._folder / self._ASIDE:
                # It goes with the last file of a picture.
                with suppress(OSError):
                    path.parent.rmdir()

    def files(self) -> Iterator[StoredFile]:
        with _failures_are_503("list"):
            paths = [path for path in self._folder.rglob("*") if path.is_file()]
        for path in paths:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
            yield StoredFile(path.relative_to(self._folder).as_posix(), modified_at, status.st_size)


class S3Storage:
    """A bucket of any S3; the key, the region and the endpoint are in the environment (`AWS_…`)."""

    def __init__(self, url: str) -> None:
        self._store = open_bucket(url, timeout=CALL_TIMEOUT, retry_timeout=CALL_TIMEOUT)
        self._calls = threading.BoundedSemaphore(MAX_CALLS)

    @contextmanager
    def _call(self, what: str) -> Iterator[None]:
        """One of so many calls at a time: not all threads of a worker are to wait for an S3 that hangs."""
        if not self._calls.acquire(timeout=CALL_WAIT_S):
            _refuse()
        try:
            with _failures_are_503(what):
                yield
        finally:
            self._calls.release()

    def save(self, name: str, data: bytes) -> None:
        with self._call("save"):
            # In one request, which S3 does whole or not at all.
            obstore.put(self._store, name, data, use_multipart=False)

    def read(self, name: str) -> bytes:
        with self._call("read"):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                raise PictureMissingError(name) from None

    def delete(self, name: str) -> None:
        with self._call("delete"):
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                return

    def files(self) -> Iterator[StoredFile]:
        with _failures_are_503("list"):
            for batch in obstore.list(self._store):
                for found in batch:
                    yield StoredFile(found["path"], found["last_modified"], found["size"])


@contextmanager
def _failures_are_503(what: str) -> Iterator[None]:
    """The error's kind goes to the log, its text does not: it may hold addresses that are signed."""
    try:
        yield
    except (BaseError, OSError) as error:
        # Of a failing disk, such as a full one; it names no file.
        reason = error.strerror if isinstance(error, OSError) else None
        log.error(  # noqa: TRY400  see above
            "storage of pictures fails", call=what, error=type(error).__name__, errno=reason
        )
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(NO_ROOM, retry_after_s=OPERATOR_RETRY_S) from None
        _refuse()


def _refuse() -> NoReturn:
    raise Unavailable(
        "Pictures aren't available at the moment. Try again in a few seconds.", retry_after_s=RETRY_S
    ) from None


def init_storage(app: Flask, config: Config) -> None:
    """Open the storage that `UPLOADS_URL` names.

    Raises:
        ConfigError: it cannot be opened.
    """
    app.extensions["homeroom_storage"] = _open(config.uploads)


def _open(url: str) -> Storage:
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            return LocalStorage(Path(unquote(parts.path)))
        return S3Storage(url)
    except (BaseError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise ConfigError(f"UPLOADS_URL can't be used: {reason}") from None


def current_storage() -> Storage:
    """The app's storage."""
    return cast("Storage", current_app.extensions["homeroom_storage"])
