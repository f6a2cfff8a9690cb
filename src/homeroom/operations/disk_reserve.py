"""A reserve on the disk: however full it gets, people sign in, and make room by deleting.

SQLite writes what a deletion changes beside the database before anything gets smaller, so on a disk without
a free byte nothing could be deleted. A file keeps a few megabytes; once they are needed it goes, and until
there is room for it again the site takes nothing that grows.
"""

import os
import shutil
from pathlib import Path

import structlog
from flask import Flask, request

from homeroom.auth.guard import current_viewer
from homeroom.auth.origins import SAFE_METHODS
from homeroom.config import Config
from homeroom.data.errors import OPERATOR_RETRY_S, Unavailable

log = structlog.get_logger(__name__)

FILE_NAME = "disk-reserve"
_MEGABYTE = 1024 * 1024
# What lets somebody in; like deleting, it writes a row or two.
_SMALL_PATHS = frozenset(
    {"/api/authenticate", "/api/users/authenticate", "/api/confirmation", "/api/join", "/api/join/code"}
)


class DiskReserve:
    """A file of `size` bytes in a folder, for as long as nobody needs them."""

    def __init__(self, folder: Path, size: int) -> None:
        self.path = folder / FILE_NAME
        self.size = size

    def has_room(self) -> bool:
        """Whether the disk has room for what grows; keeps the reserve where it can, else gives it up.

        Raises:
            OSError: the folder cannot be looked at.
        """
        free = shutil.disk_usage(self.path.parent).free
        if not self.path.exists():
            # As much again for what is about to come: else the next request would need it at once.
            return free >= 2 * self.size and self._keep()
        if free >= self.size // 2:
            return True
        self.path.unlink(missing_ok=True)
        log.error("the disk is full: its reserve is given up", folder=str(self.path.parent))
        return False

    def _keep(self) -> bool:
        making = self.path.with_name(f"{FILE_NAME}-{os.getpid()}")
        try:
            with making.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self.size)
                else:
                    file.write(bytes(self.size))
            making.replace(self.path)
        except OSError:
            making.unlink(missing_ok=True)
            raise
        return True


def init_disk_reserve(app: Flask, config: Config) -> None:
    """Refuse what grows while the disk is nearly full (503), where this machine's disk keeps the database."""
    file = config.database_file
    if file is None or config.disk_reserve_mb == 0:
        return
    reserve = DiskReserve(file.parent, config.disk_reserve_mb * _MEGABYTE)

    @app.before_request
    def look_at_the_disk() -> None:
        if request.method in SAFE_METHODS or not request.path.startswith("/api/"):
            return
        try:
            has_room = reserve.has_room()
        except OSError as error:
            # Whether anything can be written here, the database itself tells best.
            log.warning("no reserve can be kept on the disk", error=error.strerror)
            return
        if not has_room and request.method != "DELETE" and request.path.rstrip("/") not in _SMALL_PATHS:
            # For the server's gate: of whoever is signed in, it takes the body, so that they hear this.
            current_viewer()
            raise Unavailable(
                "The server's disk is full, so nothing new can be saved. Delete something, or tell the "
                "person who runs the server.",
                retry_after_s=OPERATOR_RETRY_S,
            )
