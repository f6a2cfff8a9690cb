"""From the bytes of a file to its records: encoding, delimiter, quoting, line numbers."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from homeroom.translations.messages import Message, MessageException, joined, message

MAX_BYTES = 5 * 1024 * 1024
MAX_COLUMNS = 1_000
# Ten times as many as people; each costs half a kilobyte, an empty one too.
MAX_LINES = 100_000
MAX_FIELD_CHARACTERS = 10_000
DELIMITERS = {",": message("commas"), ";": message("semicolons"), "\t": message("tabs")}

_SAVE_AS = message("Open it in Excel, Numbers or LibreOffice and save it as “CSV UTF-8”.")
# What people rename to .csv, by its first bytes: https://www.garykessler.net/library/file_sigs.html
_NOT_TEXT = (
    (b"PK\x03\x04", message("This is an Excel file or another zipped file, whatever its name says.")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", message("This is an old Excel file, whatever its name says.")),
    (b"%PDF-", message("This is a PDF.")),
    (b"\x1f\x8b", message("This is a compressed file.")),
    (b"\x89PNG", message("This is a picture.")),
    (b"\xff\xd8\xff", message("This is a picture.")),
)
_MARKUP = re.compile(r"\s*<(!doctype|html|table|\?xml)", re.IGNORECASE)
# Excel itself writes and obeys such a first line.
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?\Z", re.IGNORECASE)


class RosterError(MessageException):
    """The file isn't a roster; the message says what was found and what to do about it."""


@dataclass(frozen=True)
class Record:
    """One line of a table, which is several lines of the file where a quoted field spans them."""

    line: int
    fields: list[str]

    @property
    def is_blank(self) -> bool:
        return not any(field.strip() for field in self.fields)


def shown(text: str, limit: int = 60) -> str:
    """What a file said, fit for a message: one line, no control characters, not long."""
    text = " ".join(text.split())
    text = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(texts: Iterable[str]) -> Message:
    """Texts of the file in quotation marks, which languages draw differently."""
    return joined((message("“{text}”", text=shown(text)) for text in texts), ", ")


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file, and the encoding that it was told to be in.

    UTF-8 is tried before the Windows code page because text in the latter is almost never valid
    UTF-8, while every file is valid Latin-1.

    Raises:
        RosterError: it is empty, too big, or no text at all.
    """
    if len(data) > MAX_BYTES:
        raise RosterError(
            "The file is larger than {megabytes} MB. Remove the columns that a roster doesn't need.",
            megabytes=MAX_BYTES // 1024 // 1024,
        )
    for magic, what in _NOT_TEXT:
        if data.startswith(magic):
            raise RosterError(joined([what, _SAVE_AS]))
    text, encoding = _decode_strictly(data)
    if "\0" in text:
        raise RosterError(joined([message("The file isn't a text file."), _SAVE_AS]))
    if not text.strip():
        raise RosterError("The file is empty.")
    if _MARKUP.match(text):
        raise RosterError(joined([message("This is a web page or XML, whatever its name says."), _SAVE_AS]))
    return text, encoding


def _decode_strictly(data: bytes) -> tuple[str, str]:
    if data.startswith(codecs.BOM_UTF8):
        candidates = ["utf-8-sig"]
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]  # Excel's “Unicode text”
    else:
        candidates = ["utf-8", "cp1252", "latin-1"]
    for encoding in candidates:
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise RosterError(
        "The file is marked as {encoding}, but it's damaged. {remedy}",
        encoding=candidates[0].removesuffix("-sig").upper(),
        remedy=_SAVE_AS,
    )


def records(text: str, delimiter: str) -> Iterator[Record]:
    """The records of a table that hold anything, with the line of the file on which each begins.

    Raises:
        RosterError: quoting that is not closed, or more than a table of people can have.
    """
    # newline="": the csv module itself knows \r\n, \n and the lone \r of old Macs within quotes.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    line = 1
    try:
        for fields in reader:
            _check_size(line, fields)
            record = Record(line, fields)
            if not record.is_blank:
                yield record
            line = reader.line_num + 1
    except csv.Error as error:
        raise RosterError(_explain(error, line)) from None


def _check_size(line: int, fields: list[str]) -> None:
    if line > MAX_LINES:
        raise RosterError(
            "The file has more than {max_lines:,} lines. Remove the empty ones, or import it in parts.",
            max_lines=MAX_LINES,
        )
    if len(fields) > MAX_COLUMNS:
        raise RosterError(
            "Line {line} has more than {max_columns:,} columns, so this isn't a roster.",
            line=line,
            max_columns=MAX_COLUMNS,
        )
    if any(len(field) > MAX_FIELD_CHARACTERS for field in fields):
        raise RosterError(_too_long(line))


def _explain(error: csv.Error, line: int) -> Message:
    if "field larger" in str(error):
        return _too_long(line)
    return message(
        "The quotes on line {line} don't match. Double a quote inside a field: "
        '"Ada ""the Countess"" Lovelace".',
        line=line,
    )


def _too_long(line: int) -> Message:
    return message(
        "A field on line {line} is longer than {max_length:,} characters. Is a closing quote missing?",
        line=line,
        max_length=MAX_FIELD_CHARACTERS,
    )


def find_delimiter(text: str, known_columns: Callable[[list[str]], int]) -> tuple[str, list[Record]]:
    """What separates the columns, by the header line, and the records that follow from it.

    The delimiter that shows the most known columns wins, then the one that shows the most columns:
    a header such as `Name;Born (d,m,y)` has as many commas as semicolons.

    Raises:
        RosterError: no delimiter shows more than one column, or quoting that is not closed.
    """
    first_line = io.StringIO(text, newline="").readline()
    stated = _SEPARATOR_LINE.match(first_line)
    if stated and stated[1] in DELIMITERS:
        # Blanked, not cut off: line numbers stay those of the file.
        blanked = text[len(first_line.rstrip("\r\n")) :]
        return stated[1], list(records(blanked, stated[1]))
    scores = {}
    failure: RosterError | None = None
    for delimiter in DELIMITERS:
        try:
            header = next(records(text, delimiter))
        except RosterError as error:
            failure = error
        except StopIteration:
            continue
        else:
            scores[delimiter] = (known_columns(header.fields), len(header.fields))
    if not scores:
        raise failure or RosterError("The file has no columns.")
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best][1] == 1:
        raise failure or RosterError(_one_column(first_line))
    return best, list(records(text, best))


def _one_column(header: str) -> Message:
    return message(
        "The header has only one column, “{header}”. A roster needs an ID and a name, "
        "separated by commas, semicolons or tabs.",
        header=shown(header),
    )
