"""What a backup, a restore and a drill work with: a database, a storage, a folder, and nobody beside them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine

from homeroom.config import Config, init_config
from homeroom.data.database import db, init_database
from homeroom.data.locks import hold
from homeroom.operations.backup.errors import BackupError
from homeroom.uploads.storage import init_storage
from homeroom.web.logs import configure_logging

_LOCK_FILE = "backup.lock"
_WORK_FOLDER = ".backup-work"


@contextmanager
def opened(config: Config) -> Iterator[Engine]:
    """The database and the storage that some settings name, within an app context.

    It is no whole app: that would need a key, or make one, and a restore may be what brings the key back.
    """
    configure_logging(config)
    app = Flask("homeroom", static_folder=None)
    init_config(app, config)
    init_database(app, config)
    init_storage(app, config)
    with app.app_context():
        engine = db.engine
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def work_folder(config: Config) -> Iterator[Path]:
    """An empty folder of this run, beside the data: its owner's alone, and with the room that data has.

    There is one at a time. What a run that was killed has left in it is gone with the next one.

    Raises:
        BackupError: another run is under way, or the instance folder cannot be written.
    """
    instance = config.instance_path.resolve()
    try:
        instance.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (instance / _LOCK_FILE).open("ab")
    except OSError as error:
        raise BackupError(f"INSTANCE_PATH: {instance} cannot be written: {error.strerror}.") from None
    with lock:
        hold(lock, BackupError("Another backup, restore or drill is running. Wait until it ends."))
        folder = instance / _WORK_FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
