"""`homeroom roster`: bring a class list in, and hand the join codes out."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from homeroom.cli.address import is_local, remembered_address
from homeroom.cli.language_option import language_option
from homeroom.config.checks import split_url
from homeroom.data.database import db
from homeroom.roster.invitations import Invitation, make_invitations, staff_not_joined
from homeroom.roster.parse import CHOOSE_ORDER, RosterError
from homeroom.roster.presenters import WORDS, summary
from homeroom.roster.services import (
    ImportConflictError,
    ImportReport,
    Result,
    RowReport,
    import_roster,
)
from homeroom.roster.text import MAX_BYTES
from homeroom.roster.writing import OnRows
from homeroom.translations.catalogues import ENGLISH, languages

_STYLES = {
    Result.CREATED: "green",
    Result.UPDATED: "cyan",
    Result.UNCHANGED: "dim",
    Result.CONFLICT: "bold red",
    Result.REJECTED: "bold red",
}


@click.group("roster")
def roster() -> None:
    """Import a class list and print its join codes."""


@roster.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Show what would happen without writing anything.")
@click.option(
    "--date-format",
    metavar="FORMAT",
    help="How the file writes dates: day-first, month-first, or letters like %d/%m/%Y  [default: YYYY-MM-DD]",
)
@click.option(
    "--same-person",
    "same_people",
    metavar="ID",
    multiple=True,
    help="An ID chosen at sign-up that belongs to the person in the roster. Repeatable.",
)
@with_appcontext
def import_(file: BinaryIO, dry_run: bool, date_format: str | None, same_people: tuple[str, ...]) -> None:
    """Import the class list FILE, a CSV export of a school's system; - reads standard input.

    All rows are imported, or none. Importing the same file again changes nothing.
    """
    with refusals_in_one_line(), progress_bar("Importing") as progress:
        # One byte more than allowed is enough to be refused.
        data = file.read(MAX_BYTES + 1)
        report = import_roster(
            data, date_format=date_format, dry_run=dry_run, same_people=same_people, progress=progress
        )
    print_report(report, dry_run=dry_run)
    if report.counts[Result.CREATED] and report.written:
        say("To print their join codes: homeroom roster codes --pdf codes.pdf")
    if any(CHOOSE_ORDER in row.message for row in report.rows):
        say("To read the dates, add --date-format day-first or --date-format month-first.")
    if report.rejected:
        sys.exit(1)


@roster.command("codes")
@click.option(
    "--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write a sheet of slips to cut out."
)
@click.option("--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Write a table.")
@click.option(
    "--site",
    metavar="URL",
    callback=lambda _context, _option, value: _check_site(value),
    help="The site's address to print with the codes  [default: where it runs, unless on localhost]",
)
@click.option(
    "--font",
    "fonts",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A font for names that the sheet can't show otherwise. Repeatable.",
)
@language_option(
    "the slips", default=ENGLISH, known=lambda: sorted(languages()), unknown="There are no slips in"
)
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@with_appcontext
def codes(
    pdf: Path | None,
    table: Path | None,
    site: str | None,
    fonts: tuple[Path, ...],
    language: str,
    force: bool,
) -> None:
    """Print the join codes of everyone who hasn't joined yet.

    Codes stay the same until they are used or expire, so you can print a lost sheet again.
    """
    if pdf is None and table is None:
        raise click.UsageError("Pass what to write: --pdf FILE, --csv FILE, or both.")
    for path in (pdf, table):
        if path is not None and os.path.lexists(path) and not force:
            raise click.ClickException(f"{path} already exists. To overwrite it, add --force.")
    invited, staff = make_invitations(), staff_not_joined(db.session())
    if staff:
        say(f"Not on the sheet, because they are staff: {', '.join(staff)}. For each: homeroom user code ID")
    if not invited:
        say("Everyone in the class has joined, so there's nothing to print.")
        return
    remembered = remembered_address()
    if site is None and not is_local(remembered):
        site = remembered
    if pdf is not None:
        _write_slips(pdf, invited, site, fonts, language, force=force)
    if table is not None:
        _write_table(table, invited, site, force=force)
    if site is None:
        empty = " The table's address column is empty." if table is not None else ""
        say(f"The site's address isn't known.{empty} To add it, run again with --site https://… --force")


def _write_slips(
    path: Path,
    invited: list[Invitation],
    site: str | None,
    fonts: tuple[Path, ...],
    language: str,
    *,
    force: bool,
) -> None:
    # What draws takes half a second and 40 MB to load, which an import need not pay.
    from homeroom.roster.fonts import FontError
    from homeroom.roster.sheet import make_pdf, write_private

    with _codes_written(path):
        try:
            sheet = make_pdf(invited, site, fonts, language)
        except FontError as error:
            raise click.ClickException(str(error)) from None
        write_private(path, sheet.content, overwrite=force)
    _tell_written(path, len(invited), sheet.undrawn)


def _write_table(path: Path, invited: list[Invitation], site: str | None, *, force: bool) -> None:
    from homeroom.roster.sheet import make_csv, write_private

    with _codes_written(path):
        write_private(path, make_csv(invited, site).content, overwrite=force)
    _tell_written(path, len(invited))


@contextmanager
def _codes_written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise click.ClickException(f"Couldn't write the codes: {error.strerror}: {where}") from None


def _tell_written(path: Path, count: int, undrawn: tuple[str, ...] = ()) -> None:
    say(f"Wrote {count} join codes to {path}. Anyone with a code can join, so keep it safe.")
    if undrawn:
        say(
            f"No font on this computer can show the names of: {', '.join(undrawn)}. Their slips show the ID. "
            "Install one (such as fonts-noto-cjk), or name one with --font FILE."
        )


def _check_site(url: str | None) -> str | None:
    """The --site option without a slash at its end; a folder is fine, as on GitHub Pages."""
    if url is None:
        return None
    parts = split_url(url)
    plain = url.isprintable() and " " not in url and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise click.BadParameter("write it like https://class.example.org")
    return url.rstrip("/")


def say(text: str) -> None:
    """A line for people."""
    click.echo(_printable(text))


def _printable(text: str) -> str:
    """What the terminal's encoding lacks becomes a question mark: the import is done by then."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """Tell a file that cannot be used, or another writer's getting in between, without a traceback."""
    try:
        yield
    except (RosterError, ImportConflictError) as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def progress_bar(label: str) -> Iterator[OnRows]:
    """A bar on a terminal, which goes away when done, and nothing where the output is piped."""
    console = Console(stderr=True)
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_report(report: ImportReport, *, dry_run: bool) -> None:
    """Row by row, then in one line: a table on a terminal, tab-separated lines in a pipe."""
    for note in report.notes:
        say(note)
    console = Console()
    if console.is_terminal:
        console.print(_table(report))
    else:
        for row in report.rows:
            say("\t".join((str(row.line), row.uid, row.name, WORDS[row.result], _details(row))))
    say(_outcome(report, dry_run=dry_run))


def _table(report: ImportReport) -> Table:
    table = Table("Line", "ID", "Name", "Result", "Details")
    for row in report.rows:
        # Text, not markup: a name may hold square brackets.
        told = (Text(_printable(cell)) for cell in (row.uid, row.name))
        result = Text(WORDS[row.result], style=_STYLES[row.result])
        table.add_row(str(row.line), *told, result, Text(_printable(_details(row))))
    return table


def _details(row: RowReport) -> str:
    """Which fields change and why; without the old values, which nobody needs on a screen."""
    changed = ", ".join(change.field for change in row.changes)
    return " ".join(part for part in (f"New {changed}." if changed else "", row.message) if part)


def _outcome(report: ImportReport, *, dry_run: bool) -> str:
    if dry_run:
        end = "This was a dry run. Nothing was written."
    elif not report.written:
        end = "Nothing was written. Fix the rejected rows and import again."
    elif report.rejected:
        end = "Done. The rejected rows were skipped."
    else:
        end = "Done."
    return f"{summary(report)} {end}"
