"""`homeroom backup`, `homeroom restore` and `homeroom drill`: archives, made, brought back and rehearsed."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import click
from pyrage.x25519 import Identity
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from homeroom.cli.presence import require_folder
from homeroom.config import Config, Environment, load_config
from homeroom.data.types import utc_now
from homeroom.operations.backup.archive import Archive
from homeroom.operations.backup.drill import drill
from homeroom.operations.backup.encryption import read_identities
from homeroom.operations.backup.errors import BackupError
from homeroom.operations.backup.making import Backup, make_backup
from homeroom.operations.backup.places import Place, open_place
from homeroom.operations.backup.restoring import Restored, fetched, restore
from homeroom.operations.backup.state import Outcome, note_backup, note_drill
from homeroom.operations.backup.workshop import opened, work_folder

LATEST = "latest"
_NAMES_SHOWN = 20

_identity = click.option(
    "--identity",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The age key file that decrypts the archive, as age-keygen writes it.",
)


class ProgressBar:
    """A bar on a terminal, a line for each part elsewhere; on standard error both."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._lines = not console.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=self._lines)
        self._task = self._bar.add_task("")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def pause(self) -> None:
        """Leave the terminal to a question, until the next part begins."""
        self._bar.stop()

    def stage(self, label: str, total: int | None = None) -> None:
        """A part begins."""
        if self._lines:
            click.echo(f"{label} …", err=True)
        self._bar.start()
        self._bar.reset(self._task, description=label, total=total)

    def advance(self) -> None:
        """One step of the part is done."""
        self._bar.advance(self._task)


@click.command("backup")
@click.option("--list", "list_", is_flag=True, help="List the archives instead of making one.")
@click.option(
    "--encrypt-to",
    "recipients",
    multiple=True,
    metavar="AGE1…",
    help="An age public key that can decrypt the archive. Repeatable.  [default: BACKUP_RECIPIENTS]",
)
def backup(list_: bool, recipients: tuple[str, ...]) -> None:
    """Back up the database and the pictures to BACKUP_URL while the site runs.

    The archive gets its name only after every byte was read back and verified. Then archives that
    BACKUP_KEEP doesn't keep are deleted.
    """
    config = load_config(**({"backup_recipients": recipients} if recipients else {}))
    with _failures_in_one_line():
        place = open_place(config.backups)
        if list_:
            _list(place)
        else:
            require_folder(config)
            _tell_backup(_back_up(config, place), place)


def _back_up(config: Config, place: Place) -> Backup:
    started, at = time.monotonic(), utc_now()
    with work_folder(config) as work, ProgressBar() as progress:
        try:
            with _failures_explained(), opened(config) as engine:
                made = make_backup(config, engine, place, config.backup_recipients, work, progress)
        except BackupError as error:
            note_backup(config, _outcome(at, started, None, [str(error)], ok=False))
            raise
        # Made, though pictures were lost before it: they are told, and the archive is good.
        lost = [f"{name} is missing" for name in made.manifest.missing]
        note_backup(config, _outcome(at, started, made.name, lost, ok=True))
    return made


def _tell_backup(made: Backup, place: Place) -> None:
    manifest = made.manifest
    held = f"{manifest.row_count} rows, {len(manifest.files)} files"
    click.echo(f"{made.name}: {held}, checked, in {place.address}")
    if made.pruned:
        click.echo(f"Deleted {len(made.pruned)} older archives, following BACKUP_KEEP.")
    if not made.name.endswith(".age"):
        click.echo(
            "The archive isn't encrypted. Keep it where only staff can read it, or set BACKUP_RECIPIENTS."
        )
    if manifest.missing:
        _warn("picture files are missing, so they aren't in the archive", manifest.missing)
        click.echo(
            "An older archive may have them. To list them all, run `homeroom uploads check`.", err=True
        )


def _warn(what: str, names: list[str]) -> None:
    click.echo(f"WARNING: {len(names)} {what}:", err=True)
    for name in names[:_NAMES_SHOWN]:
        click.echo(f"  {name}", err=True)


def _list(place: Place) -> None:
    archives = place.archives()
    for archive in archives:
        click.echo(f"{archive.made_at:%Y-%m-%d %H:%M:%S} UTC\t{archive.size_bytes}\t{archive.name}")
    if not archives:
        click.echo(f"No archives in {place.address}.")


@click.command("restore")
@click.argument("archive")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@_identity
def restore_(archive: str, yes: bool, identity: Path | None) -> None:
    """Replace the current data with ARCHIVE: a path, an s3:// address, a name, or `latest`.

    Homeroom first checks the archive and rehearses the restore. If anything is wrong, nothing changes.
    Your current data stays in a folder next to it. Everyone has to sign in again.
    """
    # The archive may be what brings the key back, without which production does not start.
    config = load_config(homeroom_env=Environment.DEVELOPMENT)
    with _failures_in_one_line():
        # First: where there is no archive, nothing is made either.
        place, name = _find(archive, config)
        identities = _identities(identity)
        with (
            work_folder(config) as work,
            ProgressBar() as progress,
            fetched(place, name, identities, work, progress) as found,
        ):
            if not yes:
                progress.pause()
                _ask(found, config)
            with _failures_explained():
                restored = restore(found, config, work, progress)
    _tell_restored(restored, name)


def _find(archive: str, config: Config) -> tuple[Place, str]:
    """Where an archive is, and its name there."""
    if archive == LATEST:
        return _newest(open_place(config.backups))
    if archive.startswith("s3://"):
        folder, _, name = archive.rpartition("/")
        return open_place(folder), name
    path = Path(archive)
    if path.parent == Path() and not path.exists():
        return open_place(config.backups), archive
    return open_place(path.resolve().parent.as_uri()), path.name


def _newest(place: Place) -> tuple[Place, str]:
    archives = place.archives()
    if not archives:
        raise BackupError(f"No archives in {place.address}. To make one, run `homeroom backup`.")
    return place, archives[0].name


def _identities(path: Path | None) -> list[Identity]:
    return [] if path is None else read_identities(path)


def _ask(archive: Archive, config: Config) -> None:
    manifest = archive.manifest
    target = make_url(config.database).render_as_string(hide_password=True)
    click.confirm(
        f"The archive of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC has {manifest.row_count} rows and "
        f"{len(manifest.files)} files.\nReplace what is in {target} with it?",
        abort=True,
        err=True,
    )


def _tell_restored(restored: Restored, name: str) -> None:
    click.echo(f"Restored {restored.rows} rows and {len(restored.files)} files from {name}.")
    if restored.kept_aside is not None:
        click.echo(f"The previous data is in {restored.kept_aside}.")
    if restored.key_restored:
        click.echo("The secret key comes from the archive, so join codes printed with it still work.")
    click.echo("Everyone has to sign in again. If a server is running, restart it now.")
    if restored.missing:
        _warn("picture files are missing, so they aren't in the archive", restored.missing)


@click.command("drill")
@_identity
def drill_(identity: Path | None) -> None:
    """Restore the newest archive elsewhere and compare every row and file; status 1 if any differs.

    The site itself isn't touched. The result appears in /api/health/ready.
    """
    config = load_config()
    require_folder(config)
    with _failures_in_one_line():
        started, at = time.monotonic(), utc_now()
        with work_folder(config) as work, ProgressBar() as progress:
            name = None
            try:
                place, name = _newest(open_place(config.backups))
                with _failures_explained():
                    done = drill(config, place, name, _identities(identity), work, progress)
            except BackupError as error:
                note_drill(config, _outcome(at, started, name, [str(error)], ok=False))
                raise
            note_drill(config, _outcome(at, started, name, done.problems, ok=not done.problems))
    for problem in done.problems:
        click.echo(problem, err=True)
    click.echo(
        f"{name}: restored {done.rows} rows and {done.files} files elsewhere, {len(done.problems)} problems."
    )
    if done.problems:
        sys.exit(1)


def _outcome(at: datetime, started: float, archive: str | None, problems: list[str], *, ok: bool) -> Outcome:
    seconds = round(time.monotonic() - started, 2)
    return Outcome(at=at, ok=ok, archive=archive, seconds=seconds, problems=problems[:100])


@contextmanager
def _failures_explained() -> Iterator[None]:
    """A disk that is full or a database that does not answer is a failure like any other, and is noted."""
    try:
        yield
    except OSError as error:
        where = error.filename or "The folder of the instance"
        raise BackupError(f"{where} cannot be written or read: {error.strerror}.") from None
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        raise BackupError(f"The database can't be used ({reason}).") from None


@contextmanager
def _failures_in_one_line() -> Iterator[None]:
    """What cannot be done, in one line."""
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from None
