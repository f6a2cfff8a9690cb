"""The roster by API: what becomes of each row, all of them or none, and who may ask."""

import io
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, func, insert, select, update
from werkzeug.test import TestResponse

from homeroom.auth.models import JoinCode, Role, User
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.roster.services import ImportConflictError, ImportReport, import_roster
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

ROSTER = b"uid,name,email,dob\nada,Ada Lovelace,ada@school.org,2010-12-10\nalan,Alan Turing,,\n"


def send(client: FlaskClient, data: bytes, query: str = "", **kwargs: Any) -> TestResponse:
    return client.post(f"/api/roster{query}", data=data, content_type="text/csv", **kwargs)


def results(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 200, answer.json
    return {row["uid"]: row["result"] for row in answer.json["rows"]}


def stored(app: APIFlask) -> dict[str, User]:
    with app.app_context():
        return {user.uid: user for user in db.session.scalars(select(User))}


def count(app: APIFlask, table: type[User] | type[JoinCode]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def assert_nothing_was_written(app: APIFlask, admin: Person) -> None:
    assert list(stored(app)) == [admin.uid]
    assert count(app, JoinCode) == 0


def test_new_students_get_accounts_without_passwords_and_a_join_code_each(
    app: APIFlask, admin: Person
) -> None:
    answer = send(admin.client, ROSTER)
    assert results(answer) == {"ada": "created", "alan": "created"}
    assert answer.json["written"] is True
    assert (answer.json["created"], answer.json["rejected"]) == (2, 0)
    ada = stored(app)["ada"]
    assert (ada.name, ada.email, ada.dob) == ("Ada Lovelace", "ada@school.org", date(2010, 12, 10))
    assert (ada.role, ada.password_hash, ada.pending) == (Role.USER, None, False)
    assert count(app, JoinCode) == 2


def test_the_join_code_of_the_answer_lets_the_student_in(admin: Person, guest: FlaskClient) -> None:
    ada, _ = send(admin.client, ROSTER).json["rows"]
    joined = guest.post("/api/join", json={"code": ada["join_code"], "password": "my own long words"})
    assert joined.status_code == 200
    assert guest.get("/api/id").json["uid"] == "ada"


def test_a_second_run_creates_nothing_and_changes_nothing(app: APIFlask, admin: Person) -> None:
    first = send(admin.client, ROSTER).json
    second = send(admin.client, ROSTER)
    assert results(second) == {"ada": "unchanged", "alan": "unchanged"}
    assert all(row["join_code"] is None for row in second.json["rows"])
    assert count(app, User) == 3
    assert first["created"] == 2


def test_a_changed_row_updates_its_account_and_says_which_fields(app: APIFlask, admin: Person) -> None:
    send(admin.client, ROSTER)
    answer = send(admin.client, b"uid,name,dob\nADA,Ada King,2010-12-11\n")
    (row,) = answer.json["rows"]
    assert row["result"] == "updated"
    assert row["changes"] == [
        {"field": "name", "old": "Ada Lovelace", "new": "Ada King"},
        {"field": "dob", "old": "2010-12-10", "new": "2010-12-11"},
    ]
    ada = stored(app)["ada"]
    assert (ada.name, ada.name_key, ada.dob) == ("Ada King", "ada king", date(2010, 12, 11))


def test_an_empty_cell_takes_nothing_away(app: APIFlask, admin: Person) -> None:
    send(admin.client, ROSTER)
    assert results(send(admin.client, b"uid,name,email,dob\nada,Ada Lovelace,,\n")) == {"ada": "unchanged"}
    assert stored(app)["ada"].email == "ada@school.org"


def test_a_dry_run_says_the_same_and_writes_nothing(app: APIFlask, admin: Person) -> None:
    answer = send(admin.client, ROSTER, "?dry_run=true")
    assert results(answer) == {"ada": "created", "alan": "created"}
    assert answer.json["written"] is False
    assert all(row["join_code"] is None for row in answer.json["rows"])
    assert_nothing_was_written(app, admin)


def test_one_bad_row_stops_all_of_them(app: APIFlask, admin: Person) -> None:
    answer = send(admin.client, ROSTER + b"ADA,Again,,\nx y,Spaces,,\n")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/rows/4", "#/rows/5"]
    assert "Line 2 has the same ID" in answer.json["errors"][0]["detail"]
    assert answer.json["detail"].startswith("2 of 4 rows were rejected")
    assert_nothing_was_written(app, admin)


def test_a_dry_run_lists_bad_rows_beside_good_ones(app: APIFlask, admin: Person) -> None:
    answer = send(admin.client, ROSTER + b"x y,Spaces,,\n", "?dry_run=1")
    assert results(answer) == {"ada": "created", "alan": "created", "x y": "rejected"}
    assert_nothing_was_written(app, admin)


def test_a_hundred_bad_rows_are_named_and_the_rest_counted(admin: Person) -> None:
    answer = send(admin.client, b"uid,name\n" + b"".join(b"u%d,\n" % n for n in range(150)))
    assert len(answer.json["errors"]) == 100
    assert "150 of 150" in answer.json["detail"]


def test_a_form_with_the_file_does_as_well(admin: Person) -> None:
    answer = admin.client.post("/api/roster/", data={"file": (io.BytesIO(ROSTER), "class.csv")})
    assert results(answer) == {"ada": "created", "alan": "created"}


@pytest.mark.parametrize(
    ("kwargs", "status"),
    [
        ({"json": {"uid": "ada"}}, 415),
        ({"data": ROSTER}, 415),
        ({"data": {"file": "no file"}}, 415),
        ({"data": {"file": "no file"}, "content_type": "multipart/form-data"}, 422),
        ({"data": {"other": "file"}, "content_type": "multipart/form-data"}, 422),
        ({"data": b"", "content_type": "text/csv"}, 422),
        ({"data": b"PK\x03\x04", "content_type": "text/csv"}, 422),
        ({"data": b"\xff" * 100, "content_type": "text/csv"}, 422),
        ({"data": b"x" * (5 * 1024 * 1024 + 1), "content_type": "text/csv"}, 422),
        ({"data": b"x", "content_type": "multipart/form-data"}, 422),
    ],
)
def test_a_body_that_is_no_roster_is_refused_in_the_one_shape(
    app: APIFlask, admin: Person, kwargs: dict[str, Any], status: int
) -> None:
    answer = admin.client.post("/api/roster", **kwargs)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["message"] == answer.json["detail"]
    assert_nothing_was_written(app, admin)


@pytest.mark.parametrize(
    "query",
    ["?dry_run=maybe", "?date_format=%25d", "?date_format=", "?date_format=%00", f"?date_format={'x' * 99}"],
)
def test_bad_parameters_are_refused(app: APIFlask, admin: Person, query: str) -> None:
    assert send(admin.client, ROSTER, query).status_code == 422
    assert_nothing_was_written(app, admin)


def test_a_date_format_reads_the_dates(app: APIFlask, admin: Person) -> None:
    data = b"uid,name,dob\nada,Ada,10/12/2010\n"
    assert send(admin.client, data).status_code == 422
    assert send(admin.client, data, "?date_format=%25d/%25m/%25Y").status_code == 200
    assert stored(app)["ada"].dob == date(2010, 12, 10)


def test_admins_alone_import(app: APIFlask, guest: FlaskClient, ada: Person, teacher: Person) -> None:
    assert send(guest, ROSTER).status_code == 401
    assert send(ada.client, ROSTER).status_code == 403
    assert send(teacher.client, ROSTER).status_code == 403
    assert count(app, User) == 2


def test_a_page_of_another_origin_cannot_make_an_admin_import(app: APIFlask, admin: Person) -> None:
    answer = send(admin.client, ROSTER, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert_nothing_was_written(app, admin)


def test_the_answer_with_its_codes_is_kept_nowhere(admin: Person) -> None:
    assert "no-store" in send(admin.client, ROSTER).headers["Cache-Control"]


def test_staff_on_the_roster_keep_role_and_password(app: APIFlask, admin: Person) -> None:
    before = stored(app)["admin"].password_hash
    (row,) = send(admin.client, b"uid,name,role,password\nAdmin,The Head,User,x\n").json["rows"]
    assert (row["result"], row["message"]) == ("updated", "Keeps the role Admin.")
    after = stored(app)["admin"]
    assert (after.name, after.role, after.password_hash) == ("The Head", Role.ADMIN, before)


def test_a_pending_account_is_not_admitted_by_the_way(
    app: APIFlask, admin: Person, make_person: MakePerson
) -> None:
    make_person("ada", signed_in=False, pending=True)
    data = b"uid,name\nada,Ada Lovelace\n"
    (row,) = send(admin.client, data, "?same_person=ada").json["rows"]
    assert "waiting for approval" in row["message"]
    assert stored(app)["ada"].pending is True


def test_who_was_renamed_since_is_still_the_same_person(app: APIFlask, admin: Person) -> None:
    send(admin.client, ROSTER)
    ada = stored(app)["ada"]
    assert admin.client.patch(f"/api/users/{ada.id}", json={"uid": "countess"}).status_code == 200
    answer = send(admin.client, ROSTER)
    assert results(answer) == {"ada": "unchanged", "alan": "unchanged"}
    assert "countess" in answer.json["rows"][0]["message"]
    assert set(stored(app)) == {"admin", "countess", "alan"}


def test_an_id_that_someone_else_took_over_is_not_mixed_up(app: APIFlask, admin: Person) -> None:
    send(admin.client, ROSTER)
    alan = stored(app)["alan"]
    admin.client.patch(f"/api/users/{alan.id}", json={"uid": "grace"})
    answer = send(admin.client, ROSTER + b"grace,Grace Hopper,,\n")
    assert answer.status_code == 422
    assert "“alan”" in answer.json["errors"][0]["detail"]
    assert stored(app)["grace"].name == "Alan Turing"


def test_the_number_of_queries_does_not_grow_with_an_unchanged_class(app: APIFlask, admin: Person) -> None:
    def queries(size: int) -> int:
        data = b"uid,name\n" + b"".join(b"u%d,Person\n" % n for n in range(size))
        send(admin.client, data)
        with app.app_context(), counted_queries() as counted:
            import_roster(data)
        return len(counted)

    assert queries(400) == queries(2)


class counted_queries:  # noqa: N801  reads as a statement
    def __enter__(self) -> list[str]:
        self.engine, self.seen = db.engine, list[str]()
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self.seen

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.seen.append(statement)


def test_imports_at_the_same_moment_make_nobody_twice(make_app: MakeApp) -> None:
    apps = [make_app() for _ in range(4)]
    data = b"uid,name\n" + b"".join(b"u%d,Person %d\n" % (n, n) for n in range(60))
    reports: list[ImportReport] = []
    start = threading.Barrier(len(apps))

    def work(app: APIFlask) -> None:
        with app.app_context():
            start.wait()
            reports.append(import_roster(data))

    threads = [threading.Thread(target=work, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    created = [report.counts["created"] for report in reports]
    assert sorted(created) == [0, 0, 0, 60]
    assert count(apps[0], User) == 60


class Intruder:
    """Another writer who takes an ID between the import's look and its writing, as often as told."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if self.times and statement.startswith("INSERT INTO users"):
            self.times -= 1
            times, self.times = self.times, 0
            taken = {"uid": "ALAN", "uid_key": "alan", "name": "Other", "name_key": "other", "pending": False}
            connection.execute(insert(User).values(**taken))
            self.times = times


@pytest.fixture
def intrude(app: APIFlask) -> Callable[[int], None]:
    def begin(times: int) -> None:
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", Intruder(times))

    return begin


def test_an_import_plans_anew_when_somebody_gets_in_between(
    app: APIFlask, admin: Person, intrude: Callable[[int], None]
) -> None:
    intrude(2)
    assert results(send(admin.client, ROSTER)) == {"ada": "created", "alan": "created"}
    assert count(app, User) == 3


def test_losing_every_race_for_an_id_is_a_conflict_and_leaves_nothing_half_done(
    app: APIFlask, admin: Person, intrude: Callable[[int], None]
) -> None:
    intrude(99)
    answer = send(admin.client, ROSTER)
    assert answer.status_code == 409
    assert "nothing was imported" in answer.json["detail"]
    assert_nothing_was_written(app, admin)


def test_losing_it_by_the_command_line_is_a_named_error(
    app: APIFlask, intrude: Callable[[int], None]
) -> None:
    intrude(99)
    with app.app_context(), pytest.raises(ImportConflictError):
        import_roster(ROSTER)
    assert count(app, User) == 0


def test_an_account_that_changes_in_between_is_looked_at_again(app: APIFlask, admin: Person) -> None:
    """Somebody else becomes known under the ID after the plan was made: nothing is given to the first one."""
    send(admin.client, ROSTER)
    ada = stored(app)["ada"]

    def move(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE users SET name") and not moved:
            moved.append(True)
            connection.execute(update(User).where(User.id == ada.id).values(roster_key="elsewhere"))

    moved: list[bool] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", move)
    answer = send(admin.client, b"uid,name\nada,Ada King\n")
    assert moved
    assert results(answer) == {"ada": "updated"}


def sign_up(app: APIFlask, uid: str, name: str) -> FlaskClient:
    client = app.test_client()
    body = {"uid": uid, "name": name, "password": PASSWORD}
    assert client.post("/api/users/", json=body).status_code == 201
    assert client.post("/api/authenticate", json={"uid": uid, "password": PASSWORD}).status_code == 200
    return client


ADA = b"uid,name,email,dob\nada,Ada Lovelace,ada@school.org,2010-12-10\n"


@pytest.mark.parametrize("registration", ["open", "approval"])
def test_who_takes_an_id_first_gets_nothing_of_the_child_whom_the_roster_means(
    make_app: MakeApp, admin: Person, registration: str
) -> None:
    app = make_app(registration=registration)
    mallory = sign_up(app, "Ada", "Mallory")
    before = mallory.get("/api/id").json
    for query in ("?dry_run=true", ""):
        answer = send(admin.client, ADA, query)
        assert answer.status_code == (200 if query else 422)
    assert "chose this ID at sign-up" in answer.json["errors"][0]["detail"]
    assert mallory.get("/api/id").json == before
    dry = send(admin.client, ADA, "?dry_run=true").json
    assert (dry["conflict"], dry["rows"][0]["result"]) == (1, "conflict")


@pytest.mark.parametrize("by_path", [False, True])
def test_an_admin_who_only_names_somebody_by_the_id_does_not_vouch_for_it(
    make_app: MakeApp, admin: Person, by_path: bool
) -> None:
    """As pages do that send back a whole row, or change a name."""
    mallory = sign_up(make_app(registration="approval"), "ada", "Mallory")
    path = f"/api/users/{mallory.get('/api/id').json['id']}" if by_path else "/api/users/"
    changed = admin.client.put(path, json={"uid": "ada", "name": "Mallory M."})
    assert changed.status_code == 200
    answer = send(admin.client, ADA)
    assert answer.status_code == 422
    assert "chose this ID at sign-up" in answer.json["errors"][0]["detail"]
    assert mallory.get("/api/id").json["dob"] is None


def test_the_staff_may_give_an_id_again_that_somebody_had_in_the_roster(
    app: APIFlask, admin: Person, ada: Person
) -> None:
    assert ada.client.put("/api/user", json={"uid": "countess"}).status_code == 200
    made = admin.client.post("/api/users/", json={"uid": "ada", "name": "Another Ada"})
    assert made.status_code == 201
    changed = admin.client.put("/api/users/", json={"uid": "ada", "name": "Ada the second"})
    assert changed.status_code == 200
    with app.app_context():
        keys = {user.uid: user.roster_key for user in db.session.scalars(select(User))}
    assert (keys["countess"], keys["ada"]) == ("ada", None)


def test_who_renames_themselves_to_a_future_id_gets_nothing_either(
    admin: Person, make_person: MakePerson
) -> None:
    hank = make_person("hank")
    assert hank.client.put("/api/user", json={"uid": "ada"}).status_code == 200
    answer = send(admin.client, ADA)
    assert answer.status_code == 422
    assert "was imported as “hank”" in answer.json["errors"][0]["detail"]
    mine = hank.client.get("/api/id").json
    assert (mine["name"], mine["email"], mine["dob"]) == ("Hank", None, None)


def test_the_teacher_may_say_that_it_is_the_same_person(make_app: MakeApp, admin: Person) -> None:
    app = make_app(registration="approval")
    ada = sign_up(app, "ada", "Ada L")
    answer = send(admin.client, ADA, "?same_person=ADA&same_person=alan")
    assert results(answer) == {"ada": "updated"}
    assert ada.get("/api/id").json["dob"] == "2010-12-10"
    # From now on the roster knows them.
    assert results(send(admin.client, ADA)) == {"ada": "unchanged"}


def test_an_id_that_the_staff_gave_is_the_rosters(admin: Person, make_app: MakeApp) -> None:
    app = make_app(registration="open")
    sign_up(app, "x1", "Ada L")
    (ada,) = (user for user in admin.client.get("/api/users/").json if user["uid"] == "x1")
    assert admin.client.patch(f"/api/users/{ada['id']}", json={"uid": "ada"}).status_code == 200
    assert results(send(admin.client, ADA)) == {"ada": "updated"}


def test_a_large_class_is_written_in_two_short_units(app: APIFlask) -> None:
    data = b"uid,name\n" + b"".join(b"u%d,Person %d\n" % (n, n) for n in range(5000))
    units, under_lock = 0, [0]

    def count_begin(connection: Connection) -> None:
        nonlocal units
        if connection.get_execution_options().get("homeroom_writes"):
            units += 1
            under_lock.append(0)

    def count_statement(connection: Connection, *_: object) -> None:
        if connection.get_execution_options().get("homeroom_writes"):
            under_lock[-1] += 1

    with app.app_context():
        event.listen(db.engine, "begin", count_begin)
        event.listen(db.engine, "before_cursor_execute", count_statement)
        assert import_roster(data).counts["created"] == 5000
    # One takes the ids, the other one writes the rows: a handful of statements each, however many rows.
    assert units == 2
    assert max(under_lock) <= 20


def test_a_dry_run_could_not_write_if_it_tried(app: APIFlask) -> None:
    with app.app_context():
        seen: list[tuple[int, int]] = []
        report = import_roster(ROSTER, dry_run=True, progress=lambda *step: seen.append(step))
        assert not report.written
        assert seen == []
        with write_transaction() as session:
            assert session.scalar(select(func.count()).select_from(User)) == 0


def test_progress_tells_how_many_rows_are_done(app: APIFlask) -> None:
    data = b"uid,name\n" + b"".join(b"u%d,Person\n" % n for n in range(700))
    seen: list[tuple[int, int]] = []
    with app.app_context():
        import_roster(data, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (700, 700)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 2
