"""From inside: the settings, the key, the disk and its volume, the database, on the machine that serves."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from homeroom.auth.keys import signing_keys
from homeroom.config import Config, ConfigError
from homeroom.data.database import db
from homeroom.data.errors import Unavailable
from homeroom.data.faults import Fault, fault_of
from homeroom.data.heartbeat import beat
from homeroom.operations.backup.state import Outcome, backup_state
from homeroom.operations.doctor.findings import Finding
from homeroom.operations.health import database_is_current
from homeroom.uploads.storage import current_storage

# A class uploads that much within days; SQLite needs room for its log, and a backup for itself.
MIN_FREE_BYTES = 500 * 1024 * 1024
MIN_FREE_SHARE = 0.05
# Less, and the next pictures or the next backup may be refused.
FULL_BYTES = 50 * 1024 * 1024
# Made daily by its timer; one that failed once is made up for the next day.
MAX_BACKUP_AGE = timedelta(days=2)
MAX_DRILL_AGE = timedelta(days=35)
_PROBE = "doctor/probe"


def check_machine(config: Config) -> Iterator[Finding]:
    """All checks from inside; they need an app's context."""
    yield _check_key(config)
    yield _check_volume(config)
    yield _check_disk(config)
    yield from _check_database(config)
    yield _check_storage()
    yield from _check_backups(config)


def _check_key(config: Config) -> Finding:
    try:
        signing_keys(config)
    except ConfigError as error:
        return Finding("key", str(error), "Set SECRET_KEY to what `homeroom secret-key` prints.")
    if config.secret_key is not None or not _is_open(config.key_file):
        return Finding("key", "The signing key is strong and private.")
    return Finding(
        "key",
        f"Other users can read the key file {config.key_file}.",
        f"chmod 600 {config.key_file}, then change the key.",
    )


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def _check_volume(config: Config) -> Finding:
    volume, instance = config.volume_path, config.instance_path.resolve()
    if volume is None:
        return Finding(
            "volume", f"The data is in {instance}; VOLUME_PATH isn't set, so no volume is expected."
        )
    if not volume.is_mount():
        return Finding(
            "volume",
            f"Nothing is mounted at {volume}, so the data would be lost with the machine's own disk.",
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
    told = f"{disk.free / 1024**3:.1f} GiB of {disk.total / 1024**3:.1f} are free on the data's disk."
    if disk.free >= max(MIN_FREE_BYTES, MIN_FREE_SHARE * disk.total):
        return Finding("disk", told)
    return Finding(
        "disk",
        told,
        "Free some space, or enlarge the volume. Nothing can be saved on a full disk.",
        is_warning=disk.free >= FULL_BYTES,
    )


def _check_database(config: Config) -> Iterator[Finding]:
    try:
        current = database_is_current()
        damage = _damage()
        if current and not damage:
            beat()
    except SQLAlchemyError as error:
        yield explain_fault(fault_of(error), config)
        return
    if damage:
        yield Finding(
            "database", f"The database file is damaged: {damage}", "Restore: `homeroom restore latest`."
        )
    else:
        yield Finding("database", "The database answers and is writable.")
    if current:
        yield Finding("migrations", "The database's tables match this version.")
    else:
        yield Finding(
            "migrations", "The database's tables don't match this version.", "Run `homeroom db upgrade`."
        )


def explain_fault(fault: Fault, config: Config) -> Finding:
    """What is wrong with the database, and what to do about it on this machine."""
    file = config.database_file
    where = "The database" if file is None else f"The database file {file}"
    if fault is Fault.READ_ONLY and file is not None:
        return Finding("database", f"{where} can't be written {_whose(file)}.", _make_writable(file))
    told, remedy = {
        Fault.READ_ONLY: (
            "is read-only: PostgreSQL is in recovery or set to read-only.",
            "Connect to the primary (target_session_attrs=read-write in DATABASE_URL), or wait for it.",
        ),
        Fault.DISK_FULL: ("can't be written: its disk is full.", "Free some space, or enlarge the volume."),
        Fault.DAMAGED: ("is damaged, or isn't a database.", "Restore: `homeroom restore latest`."),
        Fault.BUSY: ("is locked by another program.", "Find out which program writes to it, then try again."),
        Fault.OUTDATED: ("doesn't have this version's tables.", "Run `homeroom db upgrade`."),
    }.get(
        fault,
        ("can't be opened.", "Check DATABASE_URL, the folder's permissions and the server's log."),
    )
    return Finding("database", f"{where} {told}", remedy)


def _whose(file: Path) -> str:
    """Whose file it is and who asks, as far as the machine tells."""
    try:
        status = file.stat()
    except OSError:
        return "by this user"
    owner, mode = _user(status.st_uid), f"{stat.S_IMODE(status.st_mode):o}"
    return f"by the user {_user(os.geteuid())}: it belongs to {owner}, mode {mode}"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _make_writable(file: Path) -> str:
    user = _user(os.geteuid())
    return (
        f"Give the file and its folder to {user}: sudo chown {user} {file.parent} {file}*; chmod u+w {file}. "
        "If that doesn't help, its disk is mounted read-only."
    )


def _damage() -> str | None:
    """What SQLite says of its own file; PostgreSQL checks its pages as it reads them."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            return None
        told = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
    return None if told == "ok" else told


def _check_storage() -> Finding:
    """A small file is kept and deleted: a bucket may be there and take nothing."""
    storage = current_storage()
    try:
        storage.save(_PROBE, b"homeroom doctor")
        storage.delete(_PROBE)
    except Unavailable as error:
        return Finding(
            "pictures",
            f"Pictures can't be saved: {error.detail}",
            "Check UPLOADS_URL, and the folder's owner and disk or the bucket's keys and permissions.",
        )
    return Finding("pictures", "Pictures can be saved.")


def _check_backups(config: Config) -> Iterator[Finding]:
    """How the last ones ended, and whether there are any that are not too old; production must have some."""
    state = backup_state(config)
    yield _judge_run(
        "backup",
        state.backup,
        MAX_BACKUP_AGE,
        "Run `homeroom backup`, and check that its timer is enabled.",
        config,
    )
    yield _judge_run("drill", state.drill, MAX_DRILL_AGE, "Make a backup, then run `homeroom drill`.", config)


def _judge_run(name: str, last: Outcome | None, max_age: timedelta, remedy: str, config: Config) -> Finding:
    if last is None:
        return Finding(name, f"There has been no {name} yet.", remedy, is_warning=not config.production)
    if not last.ok:
        reason = last.problems[0] if last.problems else "it doesn't say why"
        return Finding(name, f"The last {name} failed: {reason}", remedy)
    if last.age > max_age:
        told = f"The last {name} is {last.age.days} days old."
        return Finding(name, told, remedy, is_warning=not config.production)
    return Finding(name, f"The last {name} succeeded at {last.at:%Y-%m-%d %H:%M} UTC.")
