"""From inside: the settings, the key, the disk and its volume, the database, on the machine that serves."""

import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from homeroom.auth.keys import signing_keys
from homeroom.backup.state import Outcome, backup_state
from homeroom.config import Config, ConfigError
from homeroom.db import db
from homeroom.doctor.findings import Finding
from homeroom.health import database_is_current

# A class uploads that much within days; SQLite needs room for its log, and a backup for itself.
MIN_FREE_BYTES = 500 * 1024 * 1024
MIN_FREE_SHARE = 0.05
# Made daily by its timer; one that failed once is made up for the next day.
MAX_BACKUP_AGE = timedelta(days=2)
MAX_DRILL_AGE = timedelta(days=35)


def check_machine(config: Config) -> Iterator[Finding]:
    """All checks from inside; they need an app's context."""
    yield _check_key(config)
    yield _check_volume(config)
    yield _check_disk(config)
    yield from _check_database()
    yield from _check_backups(config)


def _check_key(config: Config) -> Finding:
    try:
        signing_keys(config)
    except ConfigError as error:
        return Finding("key", str(error), "Set SECRET_KEY to what `homeroom secret-key` prints.")
    if config.secret_key is not None or not _is_open(config.key_file):
        return Finding("key", "The key that signs tokens is strong and private.")
    return Finding(
        "key",
        f"Others may read the key file {config.key_file}.",
        f"chmod 600 {config.key_file}, then change the key.",
    )


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def _check_volume(config: Config) -> Finding:
    volume, instance = config.volume_path, config.instance_path.resolve()
    if volume is None:
        return Finding(
            "volume", f"The data is in {instance}; VOLUME_PATH names no volume that it must be on."
        )
    if not volume.is_mount():
        return Finding(
            "volume",
            f"Nothing is mounted at {volume}: the data would go to the machine's own disk and with it.",
            f"Mount the volume (see /etc/fstab, `mount {volume}`), then restart the server.",
        )
    if not instance.is_relative_to(volume.resolve()):
        return Finding(
            "volume",
            f"The data is in {instance}, not on the volume {volume}.",
            f"Set INSTANCE_PATH below {volume}.",
        )
    return Finding("volume", f"The data is on the volume {volume}.")


def _check_disk(config: Config) -> Finding:
    folder = config.instance_path if config.instance_path.exists() else config.instance_path.resolve().parent
    disk = shutil.disk_usage(folder)
    told = f"{disk.free / 1024**3:.1f} GiB of {disk.total / 1024**3:.1f} are free where the data is."
    if disk.free >= max(MIN_FREE_BYTES, MIN_FREE_SHARE * disk.total):
        return Finding("disk", told)
    return Finding("disk", told, "Make room, or enlarge the volume: a full disk refuses every write.")


def _check_database() -> Iterator[Finding]:
    try:
        current = database_is_current()
        damage = _damage()
    except SQLAlchemyError as error:
        reason = type(error).__name__
        yield Finding(
            "database",
            f"The database does not answer ({reason}).",
            "Look at DATABASE_URL and at the server's log.",
        )
        return
    if damage:
        yield Finding(
            "database", f"The database file is damaged: {damage}", "Restore: `homeroom restore latest`."
        )
    else:
        yield Finding("database", "The database answers.")
    if current:
        yield Finding("migrations", "The database's tables are those of this version.")
    else:
        yield Finding(
            "migrations", "The database's tables are not those of this version.", "Run `homeroom db upgrade`."
        )


def _damage() -> str | None:
    """What SQLite says of its own file; PostgreSQL checks its pages as it reads them."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            return None
        told = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
    return None if told == "ok" else told


def _check_backups(config: Config) -> Iterator[Finding]:
    """How the last ones ended, and in production whether there are any that are not too old."""
    state = backup_state(config)
    yield _judge_run(
        "backup", state.backup, MAX_BACKUP_AGE, "Run `homeroom backup`, and see that its timer is on.", config
    )
    yield _judge_run("drill", state.drill, MAX_DRILL_AGE, "Make a backup, then run `homeroom drill`.", config)


def _judge_run(name: str, last: Outcome | None, max_age: timedelta, remedy: str, config: Config) -> Finding:
    if last is None:
        told = f"There has been no {name} yet."
        return Finding(name, told, remedy if config.production else None)
    if not last.ok:
        reason = last.problems[0] if last.problems else "it does not say why"
        return Finding(name, f"The last {name} failed: {reason}", remedy)
    if last.age > max_age:
        return Finding(name, f"The last {name} is {last.age.days} days old.", remedy)
    return Finding(name, f"The last {name} went well, {last.at:%Y-%m-%d %H:%M} UTC.")
