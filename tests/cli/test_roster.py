"""`homeroom roster` as a teacher types it."""

import csv
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest
from apiflask import APIFlask
from click.testing import CliRunner, Result
from flask.cli import ScriptInfo
from sqlalchemy import select

from homeroom.auth.models import Role, User
from homeroom.cli import main
from homeroom.cli.roster import roster
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.roster.demo import load_demo_class
from tests.conftest import MakePerson

ROSTER = "uid,name,dob\nada,Ada Lovelace,2010-12-10\nalan,Alan Turing,\n"


def run(app: APIFlask, *args: str | Path, given: bytes | None = None) -> Result:
    script = ScriptInfo(create_app=lambda: app)
    return CliRunner().invoke(roster, [str(arg) for arg in args], obj=script, input=given)


def import_file(app: APIFlask, tmp_path: Path, text: str | bytes, *args: str) -> Result:
    path = tmp_path / "class.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return run(app, "import", path, *args)


def uids(app: APIFlask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(User.uid).order_by(User.uid)))


def test_it_is_one_of_the_commands() -> None:
    result = CliRunner().invoke(main, ["roster", "--help"])
    assert result.exit_code == 0
    assert "import" in result.output
    assert "codes" in result.output


def test_an_import_reports_row_by_row_and_in_one_line(app: APIFlask, tmp_path: Path) -> None:
    result = import_file(app, tmp_path, ROSTER)
    assert result.exit_code == 0
    assert "2\tada\tAda Lovelace\tnew\t" in result.stdout.splitlines()
    assert "2 new, 0 changed, 0 unchanged, 0 rejected. Done." in result.stdout
    assert "homeroom roster codes" in result.stdout
    assert uids(app) == ["ada", "alan"]


def test_codes_are_not_left_on_the_screen(app: APIFlask, tmp_path: Path) -> None:
    output = import_file(app, tmp_path, ROSTER).output
    table = tmp_path / "codes.csv"
    run(app, "codes", "--csv", table)
    codes = [row["code"] for row in csv.DictReader(io.StringIO(table.read_text("utf-8-sig")))]
    assert len(codes) == 2
    assert not any(code in output for code in codes)


def test_a_second_import_changes_nothing(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    result = import_file(app, tmp_path, ROSTER)
    assert result.exit_code == 0
    assert "0 new, 0 changed, 2 unchanged, 0 rejected." in result.stdout


def test_standard_input_is_read(app: APIFlask) -> None:
    assert run(app, "import", "-", given=ROSTER.encode("utf-16")).exit_code == 0
    assert uids(app) == ["ada", "alan"]


def test_a_dry_run_says_that_nothing_was_written(app: APIFlask, tmp_path: Path) -> None:
    result = import_file(app, tmp_path, ROSTER, "--dry-run")
    assert result.exit_code == 0
    assert "Would be: 2 new, 0 changed, 0 unchanged, 0 rejected." in result.stdout
    assert "Nothing was written" in result.stdout
    assert uids(app) == []


def test_a_rejected_row_stops_the_import_and_says_why(app: APIFlask, tmp_path: Path) -> None:
    result = import_file(app, tmp_path, ROSTER + "Ada,Again,\n,Nobody,\n")
    assert result.exit_code == 1
    assert "4\tAda\tAgain\trejected\tLine 2 has the same ID." in result.stdout
    assert "5\t\tNobody\trejected\tThe ID is missing." in result.stdout
    assert "Nothing was written" in result.stdout
    assert uids(app) == []


def test_old_values_are_not_shown(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    result = import_file(app, tmp_path, ROSTER.replace("2010-12-10", "2011-01-02"))
    assert "2\tada\tAda Lovelace\tchanged\tNew dob." in result.stdout
    assert "2010-12-10" not in result.stdout


def test_dates_are_read_as_told(app: APIFlask, tmp_path: Path) -> None:
    text = "uid;name;dob\nada;Ada;10.12.2010\n"
    refused = import_file(app, tmp_path, text)
    assert refused.exit_code == 1
    assert "--date-format" in refused.stdout
    assert import_file(app, tmp_path, text, "--date-format", "%d.%m.%Y").exit_code == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04", "Excel"),
        (b"", "empty"),
        (b"uid name\nada Ada\n", "only one column"),
        (os.urandom(2000) + b"\0", "isn't a text file"),
        (b"x" * 6_000_000, "larger than 5 MB"),
    ],
)
def test_a_file_that_is_no_roster_is_told_in_one_line(
    app: APIFlask, tmp_path: Path, data: bytes, says: str
) -> None:
    result = import_file(app, tmp_path, data)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_wrong_date_format_is_refused_at_once(app: APIFlask, tmp_path: Path) -> None:
    result = import_file(app, tmp_path, ROSTER, "--date-format", "dd/mm/yyyy")
    assert result.exit_code == 1
    assert "day-first" in result.stderr
    assert uids(app) == []


@pytest.mark.parametrize(
    "args",
    [
        ["import"],
        ["import", "/no/such/file.csv"],
        ["codes"],
        ["codes", "--csv", "x.csv", "--site", "class.example.org"],
        ["codes", "--csv", "x.csv", "--site", "javascript:alert(1)"],
        ["codes", "--csv", "x.csv", "--site", "http://[half"],
        ["codes", "--pdf", "x.pdf", "--font", "/no/such/font.ttf"],
        ["codes", "--pdf", "x.pdf", "--language", "xx"],
    ],
)
def test_wrong_usage_exits_with_2(app: APIFlask, args: list[str]) -> None:
    assert run(app, *args).exit_code == 2


def test_codes_are_printed_for_all_who_have_not_joined(
    app: APIFlask, tmp_path: Path, make_person: MakePerson
) -> None:
    make_person("joined", signed_in=False)
    make_person("waiting", signed_in=False, password_hash=None, pending=True)
    make_person("boss", role=Role.ADMIN, signed_in=False, password_hash=None)
    with app.app_context():
        load_demo_class()
    import_file(app, tmp_path, ROSTER)
    pdf, table = tmp_path / "codes.pdf", tmp_path / "codes.csv"
    result = run(app, "codes", "--pdf", pdf, "--csv", table, "--site", "https://class.example.org/")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"))))
    assert [row["uid"] for row in rows] == ["ada", "alan"]
    text = pypdf.PdfReader(pdf).pages[0].extract_text()
    assert all(row["code"] in text for row in rows)
    assert "https://class.example.org/join/" in text
    assert (pdf.stat().st_mode & 0o777, table.stat().st_mode & 0o777) == (0o600, 0o600)
    assert "because they are staff: boss" in result.stdout


def test_a_table_without_the_sites_address_leaves_its_column_empty_and_says_so(
    app: APIFlask, tmp_path: Path
) -> None:
    import_file(app, tmp_path, ROSTER)
    table = tmp_path / "codes.csv"
    assert "address column is empty" in run(app, "codes", "--csv", table).stdout
    told = run(app, "codes", "--csv", table, "--site", "https://class.example.org", "--force").stdout
    assert "address column" not in told
    assert "https://class.example.org/join/#code=" in table.read_text("utf-8-sig")


def test_the_same_codes_come_out_again_and_work(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    run(app, "codes", "--csv", first)
    run(app, "codes", "--csv", second)
    assert first.read_bytes() == second.read_bytes()
    ada, _ = csv.DictReader(io.StringIO(first.read_text("utf-8-sig")))
    body = {"code": ada["code"], "password": "my own long words"}
    assert app.test_client().post("/api/join", json=body).status_code == 200
    run(app, "codes", "--csv", second, "--force")
    (alan,) = csv.DictReader(io.StringIO(second.read_text("utf-8-sig")))
    assert alan["uid"] == "alan"


def test_a_code_that_ended_is_replaced_on_the_next_sheet(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    table = tmp_path / "codes.csv"
    run(app, "codes", "--csv", table)
    before = table.read_text("utf-8-sig")
    with app.app_context(), write_transaction() as session:
        for user in session.scalars(select(User)):
            user.join_code.expires_at = user.created_at
    run(app, "codes", "--csv", table, "--force")
    old, new = (
        {row["code"] for row in csv.DictReader(io.StringIO(text))}
        for text in (before, table.read_text("utf-8-sig"))
    )
    assert not old & new
    body = {"code": new.pop(), "password": "my own long words"}
    assert app.test_client().post("/api/join", json=body).status_code == 200


def test_a_file_that_is_there_is_not_overwritten_unless_forced(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    pdf = tmp_path / "codes.pdf"
    pdf.write_text("mine")
    refused = run(app, "codes", "--pdf", pdf)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert pdf.read_text() == "mine"
    assert run(app, "codes", "--pdf", pdf, "--force").exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_a_folder_that_is_not_there_is_told(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    result = run(app, "codes", "--csv", tmp_path / "missing/codes.csv")
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


def test_a_font_that_is_none_is_told(app: APIFlask, tmp_path: Path) -> None:
    import_file(app, tmp_path, ROSTER)
    result = run(app, "codes", "--pdf", tmp_path / "codes.pdf", "--font", tmp_path / "class.csv")
    assert result.exit_code == 1
    assert "class.csv isn't a TrueType" in result.stderr
    assert not (tmp_path / "codes.pdf").exists()


def test_when_all_have_joined_no_empty_sheet_is_written(app: APIFlask, tmp_path: Path) -> None:
    result = run(app, "codes", "--pdf", tmp_path / "codes.pdf")
    assert result.exit_code == 0
    assert "nothing to print" in result.stdout
    assert not (tmp_path / "codes.pdf").exists()


def test_a_terminal_gets_a_table_and_a_bar_and_markup_in_names_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text("uid,name\nada,[red]Ada[/red]\n")
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "SECRET_KEY": "0123456789abcdef" * 3}
    homeroom = [sys.executable, "-m", "homeroom"]
    subprocess.run([*homeroom, "db", "upgrade"], env=environment, check=True, capture_output=True)
    output = _on_a_terminal([*homeroom, "roster", "import", str(path)], environment)
    assert "[red]Ada[/red]" in output
    assert "│" in output
    assert "1 new" in output


def _on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        output = b""
        while chunk := _read(leader):
            output += chunk
        assert process.wait() == 0, output.decode()
    os.close(leader)
    return output.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        # Linux's way to say that the other end was closed.
        return b""


def test_a_terminal_without_unicode_gets_question_marks_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text("uid,name\nseki,関孝和\n", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "SECRET_KEY": "0123456789abcdef" * 3}
    homeroom = [sys.executable, "-m", "homeroom"]
    subprocess.run([*homeroom, "db", "upgrade"], env=environment, check=True, capture_output=True)
    result = subprocess.run(
        [*homeroom, "roster", "import", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "2\tseki\t???\tnew" in result.stdout
    assert result.stderr == ""


def test_what_draws_the_sheet_is_loaded_for_the_sheet_alone() -> None:
    heavy = "{'fpdf', 'fontTools.ttLib', 'pymupdf_fonts'}"
    code = f"import sys, homeroom.app, homeroom.cli.roster; print(*{heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
