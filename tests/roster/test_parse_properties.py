"""Any bytes at all, and any roster in any dress."""

import csv
import io
from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st

from homeroom.roster.columns import SPELLINGS, Field
from homeroom.roster.parse import ParsedRoster, RosterError, parse

TODAY = date(2026, 9, 1)
# How long an example takes says more about the machine than about the parser.
unhurried = settings(deadline=None)

headers = st.sampled_from(["uid", "name", "Student", "First Name", "ID", "dob", "sep=;"])
cells = st.sampled_from(["Points Possible", "Student, Test", "2010-01-01", "=1+1", "\xa0", "\x00", "\u202e"])
marks = st.sampled_from([",", ";", "\t", '"', '""', "\n", "\r", "\r\n", " "])
fragments = headers | cells | marks


@unhurried
@given(data=st.binary(max_size=400) | st.binary(max_size=200).map(b"uid,name\n".__add__))
@example(data=b'"')
@example(data=b"\xff\xfe")
@example(data=b"\xff\xfe\x00\xd8")
@example(data=b"uid,name\n\x85,\x85\n")
@example(data=b"sep=;")
@example(data=b"sep=;\n\n")
def test_any_bytes_are_a_roster_or_a_refusal(data: bytes) -> None:
    assert_read_or_refused(data)


@unhurried
@given(
    parts=st.lists(fragments | st.text(max_size=5), max_size=40),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_anything_that_looks_like_a_roster_is_one_or_a_refusal(parts: list[str], encoding: str) -> None:
    text = "".join(parts).encode(encoding, "surrogatepass")
    assert_read_or_refused(b"uid,name,email,dob\n" + text)
    assert_read_or_refused(text)


@unhurried
@given(date_format=st.text(max_size=12) | st.lists(st.sampled_from("%dmYyjbB/.- "), max_size=12).map("".join))
def test_any_date_format_is_one_or_a_refusal(date_format: str) -> None:
    assert_read_or_refused(b"uid,name,dob\na,A,1.2.2010\n", date_format=date_format)


def assert_read_or_refused(data: bytes, date_format: str | None = None) -> None:
    try:
        roster = parse(data, today=TODAY, date_format=date_format)
    except RosterError:
        return
    assert isinstance(roster, ParsedRoster)
    lines = [row.line for row in (*roster.rows, *roster.rejected)]
    assert len(set(lines)) == len(lines)


# Letters that all of the encodings have; a word in them is no header and turns nothing round.
words = st.text("abcdefgäöüßéñçABCDÅØ", min_size=1, max_size=12)
uids = st.text("abcdef0123456789._-@+", max_size=20).map("a".__add__)


@st.composite
def rosters(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, str, date | None]]]:
    """A file in some encoding, delimiter, spelling and order of columns, and who is in it."""
    people = draw(
        st.lists(
            st.tuples(uids, words, words, st.dates(date(1990, 1, 1), TODAY)),
            min_size=1,
            max_size=20,
            unique_by=lambda person: person[0].casefold(),
        )
    )
    fields = draw(st.permutations([Field.UID, Field.FIRST_NAME, Field.LAST_NAME, Field.DOB]))
    spellings = [
        draw(st.sampled_from([one for group in SPELLINGS[field] for one in group])) for field in fields
    ]
    change = draw(st.sampled_from([str.upper, str.lower, str.title, lambda text: text.replace(" ", "_")]))
    table = io.StringIO(newline="")
    writer = csv.writer(
        table,
        delimiter=draw(st.sampled_from(",;\t")),
        quoting=draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow([change(spelling) for spelling in spellings])
    for uid, first, last, dob in people:
        cells = {Field.UID: uid, Field.FIRST_NAME: first, Field.LAST_NAME: last, Field.DOB: dob}
        writer.writerow([cells[field] for field in fields])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return table.getvalue().encode(encoding), [(uid, f"{f} {n}", dob) for uid, f, n, dob in people]


@unhurried
@given(rosters())
def test_a_roster_comes_back_from_any_file_it_was_written_to(
    roster: tuple[bytes, list[tuple[str, str, date | None]]],
) -> None:
    data, people = roster
    read = parse(data, today=TODAY)
    assert read.rejected == ()
    assert [(row.uid, row.name, row.dob) for row in read.rows] == people
