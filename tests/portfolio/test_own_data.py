"""One's own data: sessions with their devices, the export, and a deletion that leaves nothing."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import inspect, select

from homeroom.auth.models import User
from homeroom.data.database import Base, db
from tests.conftest import PASSWORD, MakePerson, Person
from tests.portfolio.test_projects import make, upload
from tests.uploads.files import noise

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1"


def test_sessions_are_listed_with_their_devices_and_ended_one_by_one(ada: Person, app: APIFlask) -> None:
    others = []
    for agent in (CHROME, SAFARI):
        client = app.test_client()
        body = {"uid": "ada", "password": PASSWORD}
        client.post("/api/authenticate", json=body, headers={"User-Agent": agent})
        others.append(client)
    sessions = ada.client.get("/api/sessions").json
    assert {one["device"] for one in sessions[:2]} == {"Chrome on Windows", "Safari on iPhone"}
    assert [one["current"] for one in sessions].count(True) == 1
    assert all(one["last_used_at"] for one in sessions)
    token = ada.client.get_cookie("jwt").value
    assert all(one["id"] not in token for one in sessions)

    chrome = next(one for one in sessions if one["device"] == "Chrome on Windows")
    assert ada.client.delete(f"/api/sessions/{chrome['id']}").status_code == 200
    assert ada.client.delete(f"/api/sessions/{chrome['id']}").status_code == 404
    assert [client.get("/api/id").status_code for client in others] == [401, 200]
    own = next(one for one in ada.client.get("/api/sessions").json if one["current"])
    assert ada.client.delete(f"/api/sessions/{own['id']}").status_code == 200
    assert ada.client.get("/api/id").status_code == 401


def test_nobody_ends_or_lists_the_sessions_of_others(ada: Person, admin: Person) -> None:
    (session,) = ada.client.get("/api/sessions").json
    assert admin.client.delete(f"/api/sessions/{session['id']}").status_code == 404
    assert session["id"] not in {one["id"] for one in admin.client.get("/api/sessions").json}
    assert ada.client.get("/api/id").status_code == 200


def test_the_export_holds_all_that_is_mine_and_nothing_of_others(ada: Person, admin: Person) -> None:
    ada.client.put("/api/user", json={"dob": "2010-12-10", "email": "ada@example.org"})
    ada.client.put("/api/portfolio", json={"about": "I build things."})
    picture, loose = upload(ada), upload(ada)
    shown = [{"id": picture, "alt": "Red"}]
    project = make(ada, "Größe & <Form>", body="Some *text*", tags=["a"], pictures=shown)
    make(admin, "Not Ada's", visibility="public")

    answer = ada.client.get("/api/id/export", buffered=True)
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        folder = f"projects/{project['id']}-gr-sse-form"
        assert names == {
            "account.json",
            "portfolio.json",
            f"{folder}/project.json",
            f"{folder}/project.md",
            f"pictures/{picture}.png",
            f"pictures/{loose}.png",
        }
        assert json.loads(archive.read("account.json"))["dob"] == "2010-12-10"
        assert json.loads(archive.read("portfolio.json"))["about"] == "I build things."
        assert "Some *text*" in archive.read(f"{folder}/project.md").decode()
        described = json.loads(archive.read(f"{folder}/project.json"))
        assert described["pictures"] == shown
        everything = b"".join(archive.read(name) for name in names)
        assert b"argon2" not in everything
        assert b"Not Ada" not in everything


def test_a_large_export_takes_its_room_beside_the_data(
    ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ada.client.post("/api/uploads/", data=noise(), content_type="image/png")
    assert answer.status_code == 201
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    exported = ada.client.get("/api/id/export", buffered=True)
    exported.close()
    assert exported.status_code == 200
    assert len(exported.data) > 1024 * 1024


def test_one_export_runs_at_a_time_and_ends_with_its_reader(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    upload(ada)
    running = ada.client.get("/api/id/export")
    refused = ada.client.get("/api/id/export")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    other = teacher.client.get("/api/id/export", buffered=True)
    assert other.status_code == 200
    other.close()
    # The reader goes after the first piece, or never begins.
    next(iter(running.response))
    running.close()
    ada.client.head("/api/id/export").close()
    again = ada.client.get("/api/id/export", buffered=True)
    again.close()
    assert again.status_code == 200


def test_an_export_holds_no_connection_while_it_is_sent(app: APIFlask, ada: Person) -> None:
    upload(ada)
    make(ada, body="text")
    with app.app_context():
        at_rest = db.engine.pool.checkedout()
    with ada.client.get("/api/id/export") as answer:
        for _ in answer.response:
            with app.app_context():
                assert db.engine.pool.checkedout() == at_rest


def test_a_guest_exports_nothing(app: APIFlask) -> None:
    assert app.test_client().get("/api/id/export").status_code == 401


def test_a_deleted_account_leaves_no_row_and_no_file(
    ada: Person, admin: Person, app: APIFlask, tmp_path: Path
) -> None:
    ada.client.put("/api/portfolio", json={"about": "I build things."})
    make(ada, visibility="public", tags=["a", "b"], pictures=[{"id": upload(ada)}])
    upload(ada)
    own = {"current_password": PASSWORD}
    assert ada.client.delete(f"/api/users/{ada.id}", json=own).status_code == 200
    with app.app_context():
        assert [user.uid for user in db.session.scalars(select(User))] == ["admin"]
        for table in Base.metadata.sorted_tables:
            rows = db.session.execute(select(table)).all()
            if table.name in ("users", "sessions"):
                assert len(rows) == 1, table.name
            # Hashes of addresses, and numbers of users, pictures and the like.
            elif table.name not in ("attempt_counts", "directory", "tallies", "tally_changes"):
                assert rows == [], table.name
        assert inspect(db.engine).has_table("project_pictures")
    files = [path for path in (tmp_path / "instance" / "uploads").rglob("*") if path.is_file()]
    assert files == []


def test_a_wrong_password_deletes_nothing(ada: Person) -> None:
    answer = ada.client.delete(f"/api/users/{ada.id}", json={"current_password": "wrong"})
    assert answer.status_code == 403
    assert ada.client.get("/api/id").status_code == 200


def test_an_admin_hands_out_a_new_code(ada: Person, teacher: Person, admin: Person, app: APIFlask) -> None:
    assert teacher.client.post(f"/api/users/{ada.id}/join-code").status_code == 403
    code = admin.client.post(f"/api/users/{ada.id}/join-code").json["code"]
    joined = app.test_client().post("/api/join", json={"code": code, "password": "a brand new one"})
    assert joined.status_code == 200
    assert admin.client.post("/api/users/999/join-code").status_code == 404


def test_codes_to_print_are_for_admins_and_reading_makes_none(
    ada: Person, admin: Person, make_person: MakePerson
) -> None:
    make_person("grace", name="Grace", password_hash=None, signed_in=False)
    assert ada.client.get("/api/roster/codes").status_code == 403
    assert admin.client.get("/api/roster/codes").json == []
    (code,) = admin.client.post("/api/roster/codes").json
    assert admin.client.get("/api/roster/codes").json == [code]
    assert (code["uid"], len(code["code"])) == ("grace", 14)
