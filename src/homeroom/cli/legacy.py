"""`homeroom import-legacy`: take over the database of a server of the lesson's kind."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from homeroom.cli.roster import print_report, progress_bar, refusals_in_one_line, say
from homeroom.roster.legacy.services import Wishes, find_clashes, take_over
from homeroom.roster.legacy.source import LegacyError


@click.command("import-legacy")
@click.argument("database", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what would happen without writing anything.")
@click.option("--skip-bad-rows", is_flag=True, help="Skip rows that can't be imported, and import the rest.")
@click.option(
    "--replace",
    "replaced",
    metavar="ID",
    multiple=True,
    help="Replace the account with this ID, such as admin, with the old one. Repeatable.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The old server's picture folder, if it isn't the uploads folder next to DATABASE.",
)
@with_appcontext
def import_legacy(
    database: Path, dry_run: bool, skip_bad_rows: bool, replaced: tuple[str, ...], pictures: Path | None
) -> None:
    """Import the users of the old SQLite file DATABASE with passwords, roles and pictures.

    The file isn't changed. Existing accounts stay as they are, so a second run changes nothing.
    """
    try:
        if not replaced and sys.stdin.isatty():
            replaced = _ask_about_clashes(database)
        wishes = Wishes(dry_run, skip_bad_rows, frozenset(replaced), pictures)
        with refusals_in_one_line(), progress_bar("Checking passwords") as progress:
            report = take_over(database, wishes, progress=progress)
    except LegacyError as error:
        raise click.ClickException(str(error)) from None
    print_report(report, dry_run=dry_run)
    if any(row.join_code for row in report.rows):
        say("To print join codes for people without a password: homeroom roster codes --pdf codes.pdf")
        say("Staff aren't on the sheet. For each of them, run: homeroom user code ID")
    if report.rejected and not report.written:
        sys.exit(1)


def _ask_about_clashes(database: Path) -> tuple[str, ...]:
    """The IDs of staff whose old account shall take the place of the one here."""
    return tuple(
        clash.uid
        for clash in find_clashes(database)
        if click.confirm(
            f"The ID {clash.uid} is here already, for {clash.name}. "
            f"Let {clash.old_name} from the old server take that place, with role and password?",
            default=False,
        )
    )
