"""What schools' systems export, and what people take for a CSV file."""

from datetime import date

import pytest

from homeroom.roster.parse import ParsedRoster, RosterError, RosterRow, check_date_format, parse
from homeroom.roster.text import MAX_BYTES

TODAY = date(2026, 9, 1)


def read(text: str | bytes, *, encoding: str = "utf-8", date_format: str | None = None) -> ParsedRoster:
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return parse(data, today=TODAY, date_format=date_format)


def refusal(text: str | bytes, *, encoding: str = "utf-8", date_format: str | None = None) -> str:
    with pytest.raises(RosterError) as caught:
        read(text, encoding=encoding, date_format=date_format)
    return str(caught.value)


def people(roster: ParsedRoster) -> list[tuple[str, str]]:
    assert roster.rejected == ()
    return [(row.uid, row.name) for row in roster.rows]


def reasons(roster: ParsedRoster) -> dict[int, str]:
    return {row.line: row.reason for row in roster.rejected}


def test_every_field_of_a_row_is_read() -> None:
    roster = read("uid,name,email,dob\nada,Ada Lovelace,Ada@School.ORG,2010-12-10\n")
    assert roster.rows == (RosterRow(2, "ada", "Ada Lovelace", "Ada@school.org", date(2010, 12, 10)),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_told_apart(encoding: str, delimiter: str, newline: str) -> None:
    lines = [("uid", "name"), ("u1", "José Ñandú"), ("u2", "Jürgen Groß")]
    text = "".join(delimiter.join(line) + newline for line in lines)
    assert people(read(text, encoding=encoding)) == [("u1", "José Ñandú"), ("u2", "Jürgen Groß")]


def test_a_guessed_encoding_is_said() -> None:
    assert not any("accents" in note for note in read("uid,name\na,Zoë").notes)
    assert any("accents" in note for note in read("uid,name\na,Zoë", encoding="cp1252").notes)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Name,Student ID", "Ada Lovelace,a1"),
        ("STUDENT_ID,First_Name,LAST-NAME", "a1,Ada,Lovelace"),
        ("Surname,Given Name,Username", "Lovelace,Ada,a1"),
        ("Student;GitHub ID", "Lovelace, Ada;a1"),
        ("Vorname;Name;Matrikelnummer", "Ada;Lovelace;a1"),
        ("Nom;Prénom;Identifiant", "Lovelace;Ada;a1"),
        ("NOMBRE;APELLIDOS;MATRICULA", "Ada;Lovelace;a1"),
        ("Nombre completo;Usuario", "Ada Lovelace;a1"),
        ('"SIS Login ID","Full Name"', '"a1","Lovelace, Ada"'),
        ("  Login ID , Student Name ", "  a1 , Ada   Lovelace "),
        # Both halves leave no doubt; the whole is then not needed.
        ("uid,Name,First Name,Last Name", "a1,Lovelace A.,Ada,Lovelace"),
        # The more telling column wins.
        ("ID,SIS User ID,SIS Login ID,Student", "17,s9,a1,Ada Lovelace"),
        ("Student ID,uid,Name", "s9,a1,Ada Lovelace"),
        ("sep=;\nuid;name", "a1;Ada Lovelace"),
    ],
)
def test_common_headers_are_understood(header: str, row: str) -> None:
    assert people(read(f"{header}\n{row}\n")) == [("a1", "Ada Lovelace")]


def test_columns_that_are_not_used_are_named() -> None:
    roster = read("uid,name,password,role,Section 2\nada,Ada,secret,Admin,x\n")
    assert "Columns not used: “password”, “role”, “Section 2”." in roster.notes


def test_a_header_with_many_of_another_delimiter_is_not_misread() -> None:
    assert people(read("uid;name;Grades (a,b,c,d)\nada;Ada;1\n")) == [("ada", "Ada")]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Lovelace, Ada", "Ada Lovelace"),
        ("King, Martin Luther, Jr.", "Martin Luther King, Jr."),
        ("Martin Luther King, Jr.", "Martin Luther King, Jr."),
        ("a, b, c", "a, b, c"),
        ("Prince,", "Prince,"),
        ("=SUM(A1)", "=SUM(A1)"),
        ("李雷", "李雷"),
    ],
)
def test_last_name_first_is_turned_round_and_nothing_else(written: str, name: str) -> None:
    assert people(read(f'uid,name\nu,"{written}"\n')) == [("u", name)]


def test_a_canvas_gradebook_is_read_without_its_own_lines() -> None:
    roster = read(
        "Student,ID,SIS User ID,SIS Login ID,Section,HW 1 (42)\n"
        ",,,,,Manual Posting\n"
        "    Points Possible,,,,,10\n"
        '"Lovelace, Ada",101,900101,ada,A,9\n'
        '"Student, Test",103,,7f5e,A,\n'
    )
    assert people(roster) == [("ada", "Ada Lovelace")]
    skipped = [note for note in roster.notes if "Skipped line" in note]
    assert [note.split()[2].rstrip(",") for note in skipped] == ["2", "3", "5"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", ",\n"])
def test_a_file_of_empty_lines_is_not_read_to_its_end(end: str) -> None:
    lines = MAX_BYTES // len(end) - 10
    assert "more than 100,000 lines" in refusal(f"uid,name{end}" + end * lines)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    roster = read('\nuid,name\n\n"a","Ada\nLovelace"\n,,\nb,\n"c"\n')
    assert [(row.line, row.name) for row in roster.rows] == [(4, "Ada Lovelace")]
    assert sorted(reasons(roster)) == [7, 8]


def test_iso_dates_are_read_with_or_without_midnight() -> None:
    text = "uid,name,dob\na,A,2010-02-28\nb,B,2010-02-28 00:00:00\nc,C,\n"
    assert [row.dob for row in read(text).rows] == [date(2010, 2, 28), date(2010, 2, 28), None]


def test_other_dates_are_read_as_told_and_never_guessed() -> None:
    text = "uid,name,dob\na,A,03/04/2010\n"
    assert read(text, date_format="%d/%m/%Y").rows[0].dob == date(2010, 4, 3)
    assert read(text, date_format="%m/%d/%Y").rows[0].dob == date(2010, 3, 4)
    assert read(text, date_format="day-first").rows[0].dob == date(2010, 4, 3)
    assert read(text, date_format="month-first").rows[0].dob == date(2010, 3, 4)
    assert reasons(read(text))[2] == (
        "We couldn't read “03/04/2010” as a date. It should look like 2010-12-31. "
        "Choose whether the day or the month comes first."
    )


@pytest.mark.parametrize("text", ["3.4.2010", "03-04-10", "3 / 4 / 2010", "3. 4. 2010", "03.04.10"])
def test_what_stands_between_the_numbers_does_not_matter(text: str) -> None:
    assert read(f"uid,name,dob\na,A,{text}\n", date_format="day-first").rows[0].dob == date(2010, 4, 3)


@pytest.mark.parametrize(
    ("date_format", "expected"),
    [("day-first", "31/12/2010"), ("month-first", "12/31/2010"), ("%d %b %Y", "31 Dec 2010")],
)
def test_a_date_of_another_form_is_told_how_it_should_look(date_format: str, expected: str) -> None:
    for text in ("2010-12-31", "13/13/2010", "1/2", "1/2/3/4", "tomorrow"):
        roster = read(f"uid,name,dob\na,A,{text}\n", date_format=date_format)
        assert reasons(roster)[2] == (f"We couldn't read “{text}” as a date. It should look like {expected}.")


@pytest.mark.parametrize(
    "text", ["2010-02-30", "20100228", "2010-W08-7", "yesterday", "3010-01-01", "1066-10-14"]
)
def test_a_day_that_is_none_rejects_its_row_alone(text: str) -> None:
    roster = read(f"uid,name,dob\nok,Fine,2010-01-01\nbad,Bad,{text}\n")
    assert [row.uid for row in roster.rows] == ["ok"]
    assert list(reasons(roster)) == [3]


@pytest.mark.parametrize("date_format", ["%d/%m/%Y", "%m/%d/%y", "%d. %B %Y", "%Y%m%d", "%Y %j"])
def test_formats_that_tell_the_day_are_taken(date_format: str) -> None:
    check_date_format(date_format)


@pytest.mark.parametrize(
    "date_format", ["", "%", "%d/%m", "%Y", "%Q", "%Y%Y%m%d", "dd/mm/yyyy", "%d/%m/%Y" * 9, "\0", "\ud800"]
)
def test_formats_that_do_not_are_refused_before_anything_is_read(date_format: str) -> None:
    assert "day-first (31/12/2010)" in refusal("uid,name\na,A\n", date_format=date_format)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Nobody", "ID is missing"),
        ("x,", "name is missing"),
        ("two words,X", "no spaces"),
        ("x,Bad\u202eName", "U+202E"),
        (f"{'x' * 65},Long", "at most 64"),
        (f"x,{'y' * 101}", "at most 100"),
        ("ADA,Again", "Line 2 has the same ID"),
        ("\uff41da,Wide", "Line 2 has the same ID"),
        ("x,Lovelace,Ada", "Put quotes"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(row: str, reason: str) -> None:
    roster = read(f"uid,name\nada,Ada\n{row}\n")
    assert [one.uid for one in roster.rows] == ["ada"]
    assert reason in reasons(roster)[3]


def test_a_row_that_cannot_be_taken_says_all_that_is_wrong_with_it() -> None:
    roster = read("uid,name,email,dob\nada,Ada,,\ntwo words,,nowhere,yesterday\nADA,Again,nowhere,\n")
    every, twice = reasons(roster).values()
    for reason in ("no spaces", "name is missing", "isn't an email address", "read “yesterday” as a date"):
        assert reason in every
    assert twice == "Line 2 has the same ID. This isn't an email address."


def test_a_bad_address_rejects_its_row() -> None:
    assert "email address" in reasons(read("uid,name,email\na,A,nowhere\n"))[2]


def test_what_a_message_repeats_holds_no_control_characters() -> None:
    (row,) = read("uid,name\n\x1b[31mred,\x07Bell\n").rejected
    assert "\x1b" not in row.uid + row.name + row.reason
    assert "\x07" not in row.uid + row.name + row.reason


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"PK\x03\x04\x14\x00", "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<html><table>", "web page"),
        (b"uid,name\nada,A\x00da\n", "isn't a text file"),
        ("uid,name\na,A".encode("utf-16-le"), "isn't a text file"),
        (b"\xff\xfeu\x00i", "damaged"),
        (b"\xef\xbb\xbfuid,name\nada,\xff\n", "damaged"),
        (b"uid name\nada Ada\n", "only one column"),
        (b"uid|name\nada|Ada\n", "only one column"),
        (b"ada,Ada\nalan,Alan\n", "header line, such as"),
        (b"name,email\nAda,a@b.org\n", "No column contains the ID"),
        (b"uid,first name\nada,Ada\n", "No column contains the name"),
        (b"uid,name\n", "no people below"),
        (b"Login,Username,Name\na,b,C\n", "the ID: “Login”, “Username”"),
        (b"uid,Name,name\na,b,C\n", "the name: “Name”, “name”"),
        (b'uid,name\n"a,Ada\nb,Bob\n', "quotes on line 2"),
        (b'uid,name\nb,Bob\n"a"x,Ada\n', "quotes on line 3"),
        (b"uid,name\na," + b"x" * 10_001, "longer than 10,000"),
        (b"uid,name\na," + b"x" * 200_000, "longer than 10,000"),
        (b"uid,name" + b"," * 1_000, "more than 1,000 columns"),
        (b"uid,name\n" + b"".join(b"u%d,X\n" % n for n in range(10_001)), "more than 10,000 rows"),
        (b"uid,name\n" + b" " * (5 * 1024 * 1024), "larger than 5 MB"),
    ],
)
def test_a_file_that_is_no_roster_says_what_it_is_and_what_to_do(data: bytes, says: str) -> None:
    message = refusal(data)
    assert says in message
    assert len(message) < 500


def test_a_missing_column_is_told_with_what_was_found_and_what_would_do() -> None:
    message = refusal("Nickname,Name\nx,Ada\n")
    assert "“Nickname”" in message
    assert "SIS Login ID" in message
