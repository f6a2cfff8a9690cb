"""`homeroom import-legacy`: take over the database of a server of the lesson's kind."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from homeroom.cli.roster import print_report, progress_bar, refusals_in_one_line, say
from homeroom.users.legacy import LegacyError, take_over


@click.command("import-legacy")
@click.argument("database", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@with_appcontext
def import_legacy(database: Path, dry_run: bool) -> None:
    """Take over the users of the old SQLite file DATABASE, their passwords and roles included.

    The file is only read. Accounts that are here already stay as they are, so a second run changes
    nothing.
    """
    try:
        with refusals_in_one_line(), progress_bar("Checking") as progress:
            report = take_over(database, dry_run=dry_run, progress=progress)
    except LegacyError as error:
        raise click.ClickException(str(error)) from None
    print_report(report, dry_run=dry_run)
    if any(row.join_code for row in report.rows):
        say("Join codes for those without a password: homeroom roster codes --pdf codes.pdf")
        say("The staff among them are not on the sheet; for each: homeroom user code ID")
    if report.rejected:
        sys.exit(1)
