"""Files that are whole and still there when the power goes: the one place that waits for the disk.

A file's bytes are on the disk after fsync, its name only once its folder is synced too:
https://man7.org/linux/man-pages/man2/fsync.2.html
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PRIVATE = 0o600


def open_private(path: Path) -> IO[bytes]:
    """A new file that only its owner may read, from the start.

    Raises:
        FileExistsError: it is there already.
    """
    return _open_new(path, PRIVATE)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A new private file, whose bytes are on the disk when the block ends; its name may not be yet.

    Raises:
        FileExistsError: it is there already.
    """
    with open_private(path) as file:
        yield file
        _sync(file)


def replace_file(path: Path, data: bytes, *, mode: int = PRIVATE, aside: Path | None = None) -> None:
    """Put bytes in the place of a file, or of nothing: readers see the old or the new ones, never a part.

    Args:
        aside: the folder to write in first, on the same disk; by default the file's own.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    with _written_aside(path, data, mode, aside) as written:
        written.replace(path)
    sync_folder(path.parent)


def create_file(path: Path, data: bytes) -> None:
    """Make a private file with these bytes, unless it is there: of two at once, one makes it whole.

    Raises:
        FileExistsError: it is there already.
    """
    with _written_aside(path, data, PRIVATE) as written:
        path.hardlink_to(written)
    sync_folder(path.parent)


def rename_file(old: Path, new: Path) -> None:
    """Give a file that is on the disk another name in its folder, for good."""
    old.rename(new)
    sync_folder(new.parent)


def make_folder(folder: Path) -> None:
    """A folder that only its owner may read, with those above it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _written_aside(path: Path, data: bytes, mode: int, folder: Path | None = None) -> Iterator[Path]:
    """The bytes on the disk under another name; that name is gone when the block ends."""
    aside = (folder or path.parent) / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with _open_new(aside, mode) as file:
            file.write(data)
            _sync(file)
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def _open_new(path: Path, mode: int) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
