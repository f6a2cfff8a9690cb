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
    """Check and tidy up the pictures."""


@uploads.command("check")
@with_appcontext
def check() -> None:
    """Find files that are missing, and files older than a day that no picture needs; status 1 if any."""
    try:
        missing, orphans = find_missing(), find_orphans(utc_now() - ABANDONED_AFTER)
    except Refused as error:
        raise click.ClickException(error.detail) from None
    _list("missing", missing)
    _list("orphaned", orphans)
    if missing:
        click.echo("Bring missing files back from a backup, or ask their owners for the pictures again.")
    if orphans:
        click.echo("`homeroom uploads sweep` deletes the orphaned ones.")
    if missing or orphans:
        sys.exit(1)


@uploads.command("sweep")
@with_appcontext
def sweep_uploads() -> None:
    """Delete uploads that nothing used for a day, and files that belong to no picture; fit for cron."""
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
