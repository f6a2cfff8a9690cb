"""`homeroom uploads`: pictures and their files."""

import sys

import click
from flask.cli import with_appcontext

from homeroom.data.errors import Refused
from homeroom.data.types import utc_now
from homeroom.uploads.services import ABANDONED_AFTER, find_missing, find_orphans, sweep

# As many names as fit on a screen; the rest is counted.
_NAMES_SHOWN = 20


@click.group("uploads")
def uploads() -> None:
    """Check and clean up pictures."""


@uploads.command("check")
@with_appcontext
def check() -> None:
    """Find missing files, and files older than a day that no picture uses; status 1 if any."""
    try:
        missing, orphans = find_missing(), find_orphans(utc_now() - ABANDONED_AFTER)
    except Refused as error:
        raise click.ClickException(error.detail) from None
    _list("missing", missing)
    _list("orphaned", orphans)
    if missing:
        click.echo("Restore missing files from a backup, or ask their owners to upload them again.")
    if orphans:
        click.echo("To delete the orphaned ones, run `homeroom uploads sweep`.")
    if missing or orphans:
        sys.exit(1)


@uploads.command("sweep")
@with_appcontext
def sweep_uploads() -> None:
    """Delete uploads unused for a day and files that belong to no picture; suitable for cron."""
    try:
        swept = sweep()
    except Refused as error:
        raise click.ClickException(error.detail) from None
    click.echo(f"Deleted {swept.uploads} abandoned uploads and {swept.files} orphaned files.")


def _list(what: str, names: list[str]) -> None:
    click.echo(f"{len(names)} {what} files")
    for name in names[:_NAMES_SHOWN]:
        click.echo(f"  {name}")
    if len(names) > _NAMES_SHOWN:
        click.echo(f"  … and {len(names) - _NAMES_SHOWN} more")
