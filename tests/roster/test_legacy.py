"""Taking over databases of servers of the lesson's kind."""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from click.testing import CliRunner, Result, _NamedTextIOWrapper
from flask.cli import ScriptInfo
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from homeroom.auth.models import Role, User
from homeroom.cli import main
from homeroom.cli.legacy import import_legacy
from homeroom.data.database import db
from homeroom.roster.legacy import easy_passwords
from homeroom.uploads.models import Picture
from homeroom.uploads.services import avatars_of
from tests.conftest import MakePerson
from tests.uploads.files import encoded

COLUMNS = ("id", "_name", "_uid", "_password", "_dob", "_hashmap", "_role")
PASSWORD = "what ada always typed"
# Few rounds: that these hashes are strong is not what is tested.
PBKDF2 = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
SCRYPT = generate_password_hash(PASSWORD, "scrypt:1024:8:1")


def make_database(path: Path, *users: dict[str, Any], columns: tuple[str, ...] = COLUMNS) -> Path:
    """A database as the lesson's server leaves it."""
    names = ", ".join(columns).replace("id,", "id INTEGER PRIMARY KEY,", 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE users ({names})")
        for user in users:
            marks = ", ".join("?" for _ in user)
            connection.execute(
                f"INSERT INTO users ({', '.join(user)}) VALUES ({marks})", tuple(user.values())
            )
    return path


def old_user(uid: Any, name: Any = None, password: Any = PBKDF2, **fields: Any) -> dict[str, Any]:
    return {"_uid": uid, "_name": name or f"Old {uid}", "_password": password} | fields


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return tmp_path / "sqlite.db"


def run(app: APIFlask, *args: str | Path, answers: str = "") -> Result:
    script = ScriptInfo(create_app=lambda: app)
    return CliRunner().invoke(import_legacy, [str(arg) for arg in args], input=answers, obj=script)


def users(app: APIFlask) -> dict[str, User]:
    with app.app_context():
        return {user.uid: user for user in db.session.scalars(select(User))}


def sign_in(app: APIFlask, uid: str, password: str) -> int:
    return app.test_client().post("/api/authenticate", json={"uid": uid, "password": password}).status_code


@pytest.fixture
def unchanged(old: Path) -> Iterator[None]:
    """Checks after the test that the old file, and the folder around it, are as they were."""
    yield
    assert sorted(path.name for path in old.parent.iterdir() if path.name.startswith("sqlite.db")) == [
        "sqlite.db"
    ]


def test_it_is_one_of_the_commands() -> None:
    assert CliRunner().invoke(main, ["import-legacy", "--help"]).exit_code == 0


@pytest.mark.parametrize("stored", [PBKDF2, SCRYPT], ids=["pbkdf2", "scrypt"])
def test_people_sign_in_with_the_password_they_had(app: APIFlask, old: Path, stored: str) -> None:
    make_database(old, old_user("ada", "Ada Lovelace", stored, _dob="2010-12-10", _role="User"))
    result = run(app, old)
    assert result.exit_code == 0, result.output
    ada = users(app)["ada"]
    assert (ada.name, ada.dob, ada.role, ada.password_hash) == (
        "Ada Lovelace",
        date(2010, 12, 10),
        Role.USER,
        stored,
    )
    assert sign_in(app, "ada", PASSWORD) == 200
    assert sign_in(app, "ada", "another password") == 401
    assert users(app)["ada"].password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ("plain text", "its hash format is unknown"),
        (hashlib.sha256(b"x").hexdigest(), "its hash format is unknown"),
        ("sha256$salt$" + "0" * 64, "its hash format is unknown"),
        ("pbkdf2:sha256:99999999999$salt$" + "0" * 64, "its hash format is unknown"),
        ("pbkdf2:sha256:9999999$salt$" + "0" * 64, "its hash format is unknown"),
        ("scrypt:131072:8:1$salt$" + "0" * 128, "its hash format is unknown"),
        ("pbkdf2:sha256:1000$salt$" + "0" * 300, "its hash format is unknown"),
        (generate_password_hash("123qwerty", "pbkdf2:sha256:1000"), "the default one"),
        (None, "Had no password"),
        ("", "Had no password"),
        (b"\xff\xfe", "its hash format is unknown"),
    ],
    # A salt is another one in each process.
    ids=range(11),
)
def test_what_is_no_password_becomes_a_join_code(app: APIFlask, old: Path, stored: Any, why: str) -> None:
    make_database(old, old_user("ada", password=stored))
    result = run(app, old)
    assert result.exit_code == 0
    assert why in result.stdout
    assert "Gets a join code." in result.stdout
    ada = users(app)["ada"]
    assert ada.password_hash is None
    with app.app_context():
        assert db.session.get_one(User, ada.id).join_code is not None
    for guess in ("plain text", "123qwerty", "x"):
        assert sign_in(app, "ada", guess) == 401


@pytest.mark.parametrize(
    "easy", ["123toby", "toby", "toby123", "password", "12345678", "password1", "qwerty123"]
)
@pytest.mark.parametrize("role", ["User", "Teacher"])
def test_a_password_that_others_would_guess_becomes_a_join_code(
    app: APIFlask, old: Path, easy: str, role: str
) -> None:
    make_database(
        old,
        old_user("toby", password=generate_password_hash(easy, "pbkdf2:sha256:1000"), _role=role),
        old_user("ada"),
    )
    result = run(app, old)
    assert "The password wasn't imported because it is easy to guess. Gets a join code." in result.stdout
    assert [users(app)[uid].password_hash is None for uid in ("toby", "ada")] == [True, False]
    assert sign_in(app, "toby", easy) == 401


def test_guesses_are_few_and_the_staff_come_first(
    app: APIFlask, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs a core up to a second; those that are left out are made when their owner signs in."""
    monkeypatch.setattr(easy_passwords, "MAX_GUESSES", 40)
    monkeypatch.setattr(easy_passwords.os, "cpu_count", lambda: 1)
    tried: list[str] = []

    def verify(_guess: str, stored: str | None) -> tuple[bool, None]:
        tried.append(str(stored))
        return False, None

    monkeypatch.setattr(easy_passwords, "verify_password", verify)
    hashes = [generate_password_hash(PASSWORD, "pbkdf2:sha256:1") for _ in range(16)]
    rows = [old_user(f"u{number}", password=stored) for number, stored in enumerate(hashes)]
    rows[15]["_role"] = "Admin"
    make_database(old, *rows)
    assert run(app, old, "--dry-run").exit_code == 0
    # All eight for the admin; of the forty, two are left for each of the fifteen others.
    assert tried[:8] == [hashes[15]] * 8
    assert tried[8:] == [stored for stored in hashes[:15] for _ in range(2)]


def test_a_second_run_guesses_nothing(app: APIFlask, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_database(old, old_user("ada"))
    run(app, old)
    monkeypatch.setattr(easy_passwords, "verify_password", None)
    assert run(app, old).exit_code == 0


def test_roles_are_taken_by_the_exact_word(app: APIFlask, old: Path) -> None:
    words = {"a": "Admin", "t": "Teacher", "u": "User", "x": "Ad", "y": "admin", "z": None, "n": 1}
    make_database(old, *(old_user(uid, _role=word) for uid, word in words.items()))
    result = run(app, old)
    roles = {uid: user.role for uid, user in users(app).items()}
    expected = {"a": Role.ADMIN, "t": Role.TEACHER}
    assert roles == {uid: expected.get(uid, Role.USER) for uid in words}
    assert "The role “admin” doesn't exist here, so this is a User." in result.stdout


@pytest.mark.parametrize(
    ("stored", "dob"),
    [
        ("2010-12-10", date(2010, 12, 10)),
        ("2010-12-10 00:00:00.000000", date(2010, 12, 10)),
        ("2010-12-10T08:30:00Z", date(2010, 12, 10)),
        (None, None),
        ("", None),
        ("2010-02-30", None),
        ("12-10-2010", None),
        ("yesterday", None),
        ("3010-01-01", None),
        (20101210, None),
        (b"2010\xff", None),
    ],
)
def test_a_date_of_birth_is_taken_or_said_to_be_none(
    app: APIFlask, old: Path, stored: Any, dob: date | None
) -> None:
    make_database(old, old_user("ada", _dob=stored))
    result = run(app, old)
    assert result.exit_code == 0
    assert users(app)["ada"].dob == dob
    assert ("so it was skipped" in result.stdout) == (dob is None and stored not in (None, ""))


@pytest.mark.parametrize(
    ("stored", "email", "says"),
    [
        (json.dumps({"email": "ada@school.org"}), "ada@school.org", None),
        (json.dumps({"email": "ada@school.org", "kasm": True}), "ada@school.org", "kasm"),
        (json.dumps({"email": "nowhere"}), None, "so it was skipped"),
        (json.dumps({"email": ["a@b.org"]}), None, None),
        (json.dumps(["email"]), None, "isn't a JSON object"),
        ("{broken", None, "isn't a JSON object"),
        ("[" * 100_000, None, "isn't a JSON object"),
        ("null", None, None),
        (None, None, None),
        (b"\x80\x04pickle", None, "isn't a JSON object"),
    ],
)
def test_of_the_hashmap_an_address_is_taken_and_the_rest_named(
    app: APIFlask, old: Path, stored: Any, email: str | None, says: str | None
) -> None:
    make_database(old, old_user("ada", _hashmap=stored))
    result = run(app, old)
    assert result.exit_code == 0
    assert users(app)["ada"].email == email
    assert says is None or says in result.stdout


def test_a_database_without_the_later_columns_is_taken_as_well(app: APIFlask, old: Path) -> None:
    make_database(old, {"_name": "Ada", "_uid": "ada"}, columns=("_name", "_uid"))
    assert run(app, old).exit_code == 0
    assert list(users(app)) == ["ada"]


def test_what_stays_behind_is_counted_and_named(app: APIFlask, old: Path, unchanged: None) -> None:
    make_database(old, old_user("ada", _kasm=1), columns=(*COLUMNS, "_kasm"))
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, note, image, userID)")
        connection.executemany(
            "INSERT INTO posts (note, image, userID) VALUES (?, ?, 1)", [("a", "a.png")] * 3
        )
        connection.execute("CREATE TABLE sections (id INTEGER PRIMARY KEY, _name)")
        connection.execute("CREATE TABLE user_sections (user_id, section_id, year)")
        connection.execute("INSERT INTO user_sections VALUES (1, 2, 2026)")
    before = old.read_bytes()
    result = run(app, old)
    assert f"Imported columns: {', '.join(COLUMNS)}." in result.stdout
    assert "Columns not imported: _kasm." in result.stdout
    assert "Table not imported: sections, 0 rows of id, _name." in result.stdout
    assert "Table not imported: user_sections, 1 row of user_id, section_id, year." in result.stdout
    assert f"3 posts weren't imported: they belong to the portfolio, and are still in {old}." in result.stdout
    assert old.read_bytes() == before


def test_a_second_run_creates_nothing_and_leaves_new_passwords_alone(app: APIFlask, old: Path) -> None:
    make_database(old, old_user("ada"))
    run(app, old)
    assert sign_in(app, "ada", PASSWORD) == 200
    upgraded = users(app)["ada"].password_hash
    result = run(app, old)
    assert result.exit_code == 0
    assert "0 new, 0 changed, 1 unchanged, 0 rejected." in result.stdout
    assert users(app)["ada"].password_hash == upgraded


def test_an_account_that_is_here_is_not_taken_over_by_an_old_one(
    app: APIFlask, old: Path, make_person: MakePerson
) -> None:
    make_person("admin", role=Role.ADMIN, signed_in=False)
    before = users(app)["admin"]
    make_database(old, old_user("ADMIN", "Somebody", _role="Admin"))
    result = run(app, old)
    assert "unchanged\tThis ID already has an account" in result.stdout
    after = users(app)["admin"]
    assert (after.name, after.password_hash) == (before.name, before.password_hash)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (old_user("ADA", "Twice"), "User 1 has the same ID"),
        (old_user("", "Nobody"), "can't be empty"),
        (old_user(None, "Nobody"), "can't be empty"),
        (old_user("x", "\u202eX"), "U+202E"),
        (old_user("two words"), "no spaces"),
        (old_user("x", b"Jos\xe9"), "U+DCE9"),
    ],
)
def test_one_bad_user_stops_all_of_them(app: APIFlask, old: Path, bad: dict[str, Any], reason: str) -> None:
    make_database(old, old_user("ada"), bad)
    result = run(app, old)
    assert result.exit_code == 1
    assert reason in result.stdout
    assert "Nothing was written" in result.stdout
    assert users(app) == {}


def test_bad_rows_can_be_skipped_and_are_told(app: APIFlask, old: Path) -> None:
    make_database(old, old_user(None, "Nobody"), *(old_user(f"u{number}") for number in range(12)))
    result = run(app, old, "--skip-bad-rows")
    assert result.exit_code == 0
    assert "1\t\tNobody\trejected\tAn ID can't be empty." in result.stdout
    assert "12 new, 0 changed, 0 unchanged, 1 rejected. Done. The rejected rows were skipped." in (
        result.stdout
    )
    assert set(users(app)) == {f"u{number}" for number in range(12)}


@pytest.mark.parametrize("ids", [(1, 1, 3), (2, None, 3)])
def test_two_rows_of_one_id_are_told_even_where_their_numbers_are_equal(
    app: APIFlask, tmp_path: Path, ids: tuple[int | None, ...]
) -> None:
    path = tmp_path / "sqlite.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE users (id INTEGER, _uid, _name, _password)")
        rows = zip(ids, ("toby", "Toby", "ok"), strict=True)
        connection.executemany(
            "INSERT INTO users VALUES (?, ?, ?, ?)", [(number, uid, uid, PBKDF2) for number, uid in rows]
        )
    refused = run(app, path)
    assert refused.exit_code == 1
    assert "has the same ID" in refused.stdout
    result = run(app, path, "--skip-bad-rows")
    assert result.exit_code == 0
    assert set(users(app)) == {"toby", "ok"}


def test_an_account_here_gives_way_where_the_operator_says_so(
    app: APIFlask, old: Path, make_person: MakePerson
) -> None:
    here = make_person("admin", role=Role.ADMIN)
    make_database(old, old_user("admin", "Old Teacher", _role="Admin", _dob="1980-01-02"), old_user("ada"))
    result = run(app, old, "--replace", "ADMIN")
    assert "changed\tReplaces the existing account." in result.stdout
    after = users(app)["admin"]
    assert (after.id, after.name, after.dob) == (here.id, "Old Teacher", date(1980, 1, 2))
    assert sign_in(app, "admin", PASSWORD) == 200
    assert here.client.get("/api/id").status_code == 401


def test_no_admin_gives_way_to_somebody_who_is_none(
    app: APIFlask, old: Path, make_person: MakePerson
) -> None:
    make_person("admin", name="Admin", role=Role.ADMIN, signed_in=False)
    make_database(old, old_user("admin", "Some Student", _role="User"))
    result = run(app, old, "--replace", "admin")
    assert (result.exit_code, "an admin's here and a User's in the old" in result.stdout) == (1, True)
    assert (users(app)["admin"].name, users(app)["admin"].role) == ("Admin", Role.ADMIN)


@pytest.mark.parametrize(("answer", "name"), [("y", "Old Teacher"), ("n", "Admin"), ("", "Admin")])
def test_a_clash_of_the_staff_is_asked_about_on_a_terminal(
    app: APIFlask, old: Path, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch, answer: str, name: str
) -> None:
    make_person("admin", name="Admin", role=Role.ADMIN, password_hash=None, signed_in=False)
    make_person("ada", signed_in=False)
    make_database(old, old_user("admin", "Old Teacher", _role="Admin"), old_user("ada"))
    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda _self: True, raising=False)
    result = run(app, old, answers=f"{answer}\n")
    assert result.stdout.count("The ID admin is here already, for Admin.") == 1
    assert "The ID ada" not in result.stdout
    assert users(app)["admin"].name == name
    # Who was taken over is not asked about again.
    if answer == "y":
        assert "is here already" not in run(app, old).stdout


def test_a_dry_run_writes_nothing(app: APIFlask, old: Path) -> None:
    make_database(old, old_user("ada"))
    result = run(app, old, "--dry-run")
    assert result.exit_code == 0
    assert "1\tada\tOld ada\tnew" in result.stdout
    assert "Nothing was written" in result.stdout
    assert users(app) == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no table “users”"),
        (b"no database at all", "isn't an SQLite database"),
        (b"\x8f\x02" * 4096, "isn't an SQLite database"),
        (b"SQLite format 3\x00" + b"\x7f" * 4096, "isn't an SQLite database"),
    ],
)
def test_a_file_that_is_no_database_is_told_in_one_line(
    app: APIFlask, old: Path, content: bytes, says: str
) -> None:
    old.write_bytes(content)
    result = run(app, old)
    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert old.read_bytes() == content


def test_a_damaged_database_is_told_in_one_line(app: APIFlask, old: Path) -> None:
    make_database(old, *(old_user(f"u{number}") for number in range(200)))
    content = bytearray(old.read_bytes())
    content[4096:] = b"\x55" * len(content[4096:])
    old.write_bytes(content)
    result = run(app, old)
    assert result.exit_code == 1
    assert "damaged" in result.stderr
    assert users(app) == {}


def test_a_database_of_another_kind_is_told_with_its_tables(app: APIFlask, old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("CREATE TABLE people (name)")
    assert "Its tables: people." in run(app, old).stderr
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("CREATE TABLE users (name, uid)")
    assert "no column _uid and _name" in run(app, old).stderr


def test_a_path_that_is_not_there_makes_no_database(app: APIFlask, old: Path) -> None:
    assert run(app, old).exit_code == 2
    assert not old.exists()


def test_names_of_files_are_no_addresses(app: APIFlask, tmp_path: Path) -> None:
    path = make_database(tmp_path / "a b?mode=rwc#%41.db", old_user("ada"))
    assert run(app, path).exit_code == 0
    assert list(users(app)) == ["ada"]


def test_a_database_that_is_being_written_is_told_as_such(
    app: APIFlask, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_database(old, old_user("ada"))
    connect = sqlite3.connect
    # Without the five seconds that SQLite waits otherwise.
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, timeout=0, **kwargs))
    with closing(connect(old, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        result = run(app, old)
    assert result.exit_code == 1
    assert "Stop the old server first" in result.stderr


def test_what_a_stopped_server_left_in_its_journal_is_read(app: APIFlask, old: Path) -> None:
    make_database(old, old_user("ada"))
    with closing(sqlite3.connect(old)) as server:
        server.execute("PRAGMA journal_mode=WAL")
        with server:
            server.execute("INSERT INTO users (_uid, _name) VALUES ('late', 'Late Comer')")
        before = old.read_bytes()
        assert run(app, old).exit_code == 0
        assert old.read_bytes() == before
    assert set(users(app)) == {"ada", "late"}


def avatar(app: APIFlask, uid: str) -> Picture | None:
    person = users(app)[uid]
    with app.app_context():
        return avatars_of(db.session(), [person.id]).get(person.id)


@pytest.mark.parametrize("folder", ["uploads", "../uploads", "elsewhere"])
@pytest.mark.parametrize("below", ["ada", "."])
def test_a_picture_in_a_file_comes_along(app: APIFlask, tmp_path: Path, folder: str, below: str) -> None:
    (tmp_path / "volumes").mkdir()
    place = tmp_path / "volumes" / folder / below
    place.mkdir(parents=True)
    (place / "me.png").write_bytes(encoded("PNG", (40, 30)))
    old = make_database(
        tmp_path / "volumes/sqlite.db", old_user("ada", _pfp="me.png"), columns=(*COLUMNS, "_pfp")
    )
    options = ("--pictures", tmp_path / "volumes/elsewhere") if folder == "elsewhere" else ()
    assert "picture" not in run(app, old, "--dry-run", *options).stdout
    result = run(app, old, *options)
    assert (result.exit_code, "picture" in result.stdout) == (0, False), result.stdout
    taken = avatar(app, "ada")
    assert taken is not None
    assert (taken.width, taken.height) == (40, 30)


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_picture_in_base64_comes_along(app: APIFlask, old: Path, prefix: str) -> None:
    text = prefix + base64.b64encode(encoded("PNG", (40, 30))).decode()
    make_database(old, old_user("ada", _pfp=text), columns=(*COLUMNS, "_pfp"))
    assert run(app, old).exit_code == 0
    assert avatar(app, "ada") is not None


@pytest.mark.parametrize(
    "stored", ["missing.png", "../../secret.png", "/etc/passwd", "link.png", "text.png", "..", "a\0b", "abcd"]
)
def test_a_picture_that_is_none_or_is_not_the_old_servers_is_told_and_the_user_taken(
    app: APIFlask, old: Path, tmp_path: Path, stored: str
) -> None:
    (tmp_path / "uploads/ada").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(encoded("PNG", (40, 30)))
    (tmp_path / "uploads/ada/link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "uploads/ada/text.png").write_text("no picture")
    make_database(old, old_user("ada", _pfp=stored), columns=(*COLUMNS, "_pfp"))
    result = run(app, old)
    assert (result.exit_code, "The picture wasn't imported: " in result.stdout) == (0, True), result.stdout
    assert avatar(app, "ada") is None
