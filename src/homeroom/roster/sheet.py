"""The join codes on paper: a sheet to cut up, or a table for a mail merge."""

import csv
import errno
import io
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align

from homeroom.data.files import replace_file
from homeroom.roster.fonts import FontSet, find_fonts
from homeroom.roster.invitations import Invitation
from homeroom.roster.services import chunks
from homeroom.translations.catalogues import ENGLISH, catalogue
from homeroom.translations.messages import Message, message

# As wide as A4 and as high as Letter, in millimetres: printed at full size, it fits on both.
PAGE_SIZE = (210.0, 279.4)
MARGIN = 13.0
COLUMNS, ROWS = 2, 6
SLIP_WIDTH = (PAGE_SIZE[0] - 2 * MARGIN) / COLUMNS
SLIP_HEIGHT = (PAGE_SIZE[1] - 2 * MARGIN) / ROWS
PADDING = 4.5
TEXT_WIDTH = SLIP_WIDTH - 2 * PADDING
# Below this size in points a name is cut rather than shrunk: a slip is read at arm's length.
MIN_NAME_SIZE = 8

CSV_HEADER = ("name", "uid", "code", "address", "valid until")
# As pages write them: "30 Jan 2027", "30 ene 2027".
_MONTHS = (
    message("Jan"),
    message("Feb"),
    message("Mar"),
    message("Apr"),
    message("May"),
    message("Jun"),
    message("Jul"),
    message("Aug"),
    message("Sep"),
    message("Oct"),
    message("Nov"),
    message("Dec"),
)
_WHAT_TO_DO = message("Choose your own password with this code at")
# What a spreadsheet would run: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Sheet:
    """A document, and the IDs of those whose name no font of this machine can draw."""

    content: bytes
    undrawn: tuple[str, ...] = ()


def join_address(site: str, code: str) -> str:
    """Where a code is used. It stands in the fragment, which no server gets to log."""
    return f"{site}/join/#code={code}"


def _until(day: date) -> Message:
    return message(
        "Works once, until {day} {month} {year}.", day=day.day, month=_MONTHS[day.month - 1], year=day.year
    )


def make_csv(invitations: Sequence[Invitation], site: str | None) -> Sheet:
    """The codes as a table, in UTF-8 with the mark that Excel wants; the address is empty without a site."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(CSV_HEADER)
    for invitation in invitations:
        writer.writerow(
            (
                _inert(invitation.name),
                _inert(invitation.uid),
                invitation.code,
                join_address(site, invitation.code) if site else "",
                invitation.expires_at.date().isoformat(),
            )
        )
    return Sheet(table.getvalue().encode("utf-8-sig"))


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def make_pdf(
    invitations: Sequence[Invitation],
    site: str | None,
    fonts: Sequence[Path] = (),
    language: str = ENGLISH,
) -> Sheet:
    """The codes as slips with dashed lines between them, twelve to a page; in one of `languages()`.

    Raises:
        FontError: a font among `fonts` cannot be read.
    """
    # What it remarks on the inner tables of fonts is of no use to whoever prints a sheet.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="homeroom-fonts-") as folder:
        texts = [text for one in invitations for text in (one.name, one.uid)]
        pages = _Pages(find_fonts(texts, Path(folder), fonts), site, language)
        for page in chunks(invitations, COLUMNS * ROWS):
            pages.add(page)
        return Sheet(pages.output(), tuple(pages.undrawn))


class _Pages:
    """The document while it is drawn."""

    def __init__(self, fonts: FontSet, site: str | None, language: str) -> None:
        self.undrawn: list[str] = []
        self._catalogue = catalogue(language)
        self._fonts = fonts
        self._site = site
        self._pdf = FPDF(unit="mm", format=PAGE_SIZE)
        self._pdf.set_auto_page_break(False)
        self._pdf.set_title(self._said(message("Join codes")))
        self._pdf.set_lang(language)
        self._pdf.c_margin = 0
        for family, font in (("names", fonts.names), ("text", fonts.text), ("codes", fonts.codes)):
            self._pdf.add_font(family, fname=font.path)
        others = [f"other{number}" for number in range(len(fonts.others))]
        for family, font in zip(others, fonts.others, strict=True):
            self._pdf.add_font(family, fname=font.path)
        self._pdf.set_fallback_fonts(["names", *others])
        # Arabic letters join, Devanagari vowels move: without shaping such names are unreadable.
        self._pdf.set_text_shaping(True)

    def output(self) -> bytes:
        return bytes(self._pdf.output())

    def add(self, invitations: Sequence[Invitation]) -> None:
        """One page of slips."""
        self._pdf.add_page()
        rows = -(-len(invitations) // COLUMNS)
        self._draw_cutting_lines(rows)
        for place, invitation in enumerate(invitations):
            row, column = divmod(place, COLUMNS)
            self._draw_slip(MARGIN + column * SLIP_WIDTH, MARGIN + row * SLIP_HEIGHT, invitation)

    def _draw_cutting_lines(self, rows: int) -> None:
        pdf = self._pdf
        right, bottom = MARGIN + COLUMNS * SLIP_WIDTH, MARGIN + rows * SLIP_HEIGHT
        pdf.set_line_width(0.2)
        pdf.set_draw_color(110)
        pdf.set_dash_pattern(dash=1.5, gap=1.5)
        for column in range(COLUMNS + 1):
            x = MARGIN + column * SLIP_WIDTH
            pdf.line(x, MARGIN, x, bottom)
        for row in range(rows + 1):
            y = MARGIN + row * SLIP_HEIGHT
            pdf.line(MARGIN, y, right, y)
        pdf.set_dash_pattern()

    def _draw_slip(self, x: float, y: float, invitation: Invitation) -> None:
        address = join_address(self._site, invitation.code) if self._site else ""
        join_page = message("the Join page of your class's site")
        place = f"{self._site}/join/" if self._site else self._said(join_page)
        until = _until(invitation.expires_at.date())
        self._line(x, y + 3.5, self._name(invitation), "names", 14)
        self._line(x, y + 11.0, self._said(message("ID: {uid}", uid=self._uid(invitation))), "codes", 10)
        self._line(x, y + 17.0, invitation.code, "codes", 17, link=address)
        self._line(x, y + 26.5, self._said(_WHAT_TO_DO), "text", 8)
        self._line(x, y + 30.5, place, "names", 10)
        self._line(x, y + 36.0, self._said(until), "text", 8)

    def _name(self, invitation: Invitation) -> str:
        if not self._fonts.draws(invitation.name):
            self.undrawn.append(invitation.uid)
            return self._said(message("(a name that this computer has no font for)"))
        return self._cut(invitation.name)

    def _uid(self, invitation: Invitation) -> str:
        if self._fonts.draws(invitation.uid):
            return invitation.uid
        return self._said(message("(see the class list)"))

    def _said(self, text: Message) -> str:
        """A text in the language of the sheet."""
        return text.written(self._catalogue)

    def _cut(self, name: str) -> str:
        """As much of a name as fits on a slip in a size that can be read."""
        self._pdf.set_font("names", size=MIN_NAME_SIZE)
        shortened = name
        while self._pdf.get_string_width(shortened) > TEXT_WIDTH:
            name = name[:-1]
            shortened = f"{name.rstrip()}…"
        return shortened

    def _line(self, x: float, y: float, text: str, family: str, size: float, link: str = "") -> None:
        """One line of a slip, set smaller where it would not fit: no slip runs into the next."""
        pdf = self._pdf
        pdf.set_font(family, size=size)
        width = pdf.get_string_width(text)
        if width > TEXT_WIDTH:
            pdf.set_font_size(size * TEXT_WIDTH / width)
        pdf.set_xy(x + PADDING, y)
        pdf.cell(TEXT_WIDTH, size * 0.45, text, align=Align.L, link=link)


def write_private(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        FileExistsError: it is there already and `overwrite` is not set.
        OSError: the folder is missing or may not be written.
    """
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    replace_file(path, content)
