"""The contract's endpoints, a test a row, with and without the trailing slash."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from homeroom.auth.models import Role
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

PUBLIC_FIELDS = {"id", "name", "uid", "age", "role", "access", "picture"}
PRIVATE_FIELDS = PUBLIC_FIELDS | {"dob", "email", "status", "created_at"}


@pytest.mark.parametrize("path", ["/api/users/authenticate", "/api/authenticate"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_signing_in_sets_the_cookie(ada: Person, app: APIFlask, path: str, slash: str) -> None:
    client = app.test_client()
    answer = client.post(path + slash, json={"uid": "ada", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json["user"]["uid"] == "ada"
    assert client.get_cookie("jwt") is not None
    assert client.get("/api/id").json["uid"] == "ada"


@pytest.mark.parametrize("slash", ["", "/"])
def test_signing_out_ends_the_session_and_clears_the_cookie(ada: Person, slash: str) -> None:
    token = ada.client.get_cookie("jwt").value
    answer = ada.client.delete("/api/authenticate" + slash)
    assert answer.status_code == 200
    assert ada.client.get_cookie("jwt") is None
    ada.client.set_cookie("jwt", token)
    assert ada.client.get("/api/id").status_code == 401


def test_signing_out_without_a_session_is_no_error(guest: FlaskClient) -> None:
    assert guest.delete("/api/authenticate").status_code == 200


@pytest.mark.parametrize("path", ["/api/id", "/api/id/"])
def test_the_signed_in_user_is_an_object(ada: Person, path: str) -> None:
    answer = ada.client.get(path)
    assert answer.status_code == 200
    assert set(answer.json) >= PRIVATE_FIELDS
    assert answer.json["access"] == ["rw"]


@pytest.mark.parametrize("path", ["/api/users/", "/api/users"])
def test_the_users_are_an_array(ada: Person, teacher: Person, path: str) -> None:
    answer = ada.client.get(path)
    assert answer.status_code == 200
    assert [user["uid"] for user in answer.json] == ["ada", "teacher"]
    assert answer.headers["X-Total-Count"] == "2"


def test_a_date_of_birth_is_shown_to_oneself_and_to_admins_only(
    ada: Person, teacher: Person, admin: Person, make_person: MakePerson
) -> None:
    eve = make_person("eve")
    ada.client.patch("/api/users/", json={"dob": "2010-12-10", "email": "ada@example.org"})

    def fields_seen_by(viewer: Person) -> set[str]:
        lists = viewer.client.get("/api/users/").json
        one = viewer.client.get(f"/api/users/{ada.id}").json
        (in_list,) = (user for user in lists if user["uid"] == "ada")
        assert in_list == one
        return set(one)

    assert fields_seen_by(ada) == fields_seen_by(admin) == PRIVATE_FIELDS
    assert fields_seen_by(eve) == fields_seen_by(teacher) == PUBLIC_FIELDS
    assert ada.client.get("/api/id").json["dob"] == "2010-12-10"
    assert eve.client.get(f"/api/users/{ada.id}").json["access"] == ["ro"]
    assert admin.client.get(f"/api/users/{ada.id}").json["access"] == ["rw"]


@pytest.mark.parametrize("path", ["/api/users/", "/api/users", "/api/user", "/api/user/"])
def test_an_admin_makes_a_user(admin: Person, path: str) -> None:
    new = {"uid": "grace", "name": "Grace Hopper", "dob": "2010-12-09", "role": "Teacher"}
    answer = admin.client.post(path, json=new)
    assert answer.status_code == 201
    assert answer.json["name"] == "Grace Hopper"
    assert answer.json["role"] == "Teacher"
    assert answer.json["status"] == "invited"


def test_an_admin_makes_an_array_of_users_all_or_none(admin: Person) -> None:
    rows = [{"uid": "grace", "name": "Grace"}, {"uid": "alan", "name": "Alan"}]
    answer = admin.client.post("/api/users/", json=rows)
    assert answer.status_code == 201
    assert [user["uid"] for user in answer.json] == ["grace", "alan"]
    again = admin.client.post("/api/users/", json=[{"uid": "new", "name": "New"}, rows[0]])
    assert again.status_code == 409
    assert admin.client.get("/api/users/?q=new").json == []


def test_an_array_needs_an_admin(guest: FlaskClient, ada: Person, teacher: Person) -> None:
    rows = [{"uid": "grace", "name": "Grace"}]
    assert guest.post("/api/users/", json=rows).status_code == 401
    assert ada.client.post("/api/users/", json=rows).status_code == 403
    assert teacher.client.post("/api/users/", json=rows).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("path", ["/api/users/", "/api/users"])
def test_a_user_named_by_nothing_id_or_uid_is_changed(
    ada: Person, admin: Person, method: str, path: str
) -> None:
    def change(person: Person, body: dict[str, Any]) -> Any:
        answer = person.client.open(path, method=method, json=body)
        assert answer.status_code == 200
        return answer.json

    assert change(ada, {"name": "Ada One"})["name"] == "Ada One"
    assert change(ada, {"uid": "ada", "name": "Ada Two"})["name"] == "Ada Two"
    assert change(admin, {"id": ada.id, "name": "Ada Three"})["name"] == "Ada Three"
    assert change(admin, {"uid": "ADA", "name": "Ada Four"})["name"] == "Ada Four"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_user_named_by_path_is_changed(ada: Person, method: str, slash: str) -> None:
    answer = ada.client.open(f"/api/users/{ada.id}{slash}", method=method, json={"name": "Countess"})
    assert answer.status_code == 200
    assert answer.json["name"] == ada.client.get("/api/id").json["name"] == "Countess"


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_user_is_read_by_path(ada: Person, teacher: Person, slash: str) -> None:
    assert ada.client.get(f"/api/users/{teacher.id}{slash}").json["uid"] == "teacher"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("user_id", ["999", "0", "99999999999999999999"])
def test_a_user_who_is_not_there_is_404(admin: Person, method: str, user_id: str) -> None:
    answer = admin.client.open(f"/api/users/{user_id}", method=method, json={"name": "X"})
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["ada", "-1", "1.5", "1;DROP TABLE users", "..%2f..%2fetc"])
def test_a_path_that_names_no_id_is_404(admin: Person, name: str) -> None:
    assert admin.client.get(f"/api/users/{name}").status_code in (404, 405)


def test_only_the_owner_or_an_admin_changes_or_deletes(
    ada: Person, teacher: Person, make_person: MakePerson
) -> None:
    eve = make_person("eve")
    for person in (eve, teacher):
        for answer in (
            person.client.put(f"/api/users/{ada.id}", json={"name": "X"}),
            person.client.patch("/api/users/", json={"id": ada.id, "name": "X"}),
            person.client.put("/api/users/", json={"uid": "ada", "name": "X"}),
            person.client.delete(f"/api/users/{ada.id}"),
            person.client.delete("/api/users/", json={"uid": "ada"}),
        ):
            assert answer.status_code == 403
    assert ada.client.get("/api/id").json["name"] == "Ada Lovelace"


@pytest.mark.parametrize("path", ["/api/users/", "/api/users"])
def test_an_admin_deletes_by_uid(ada: Person, admin: Person, path: str) -> None:
    assert admin.client.delete(path, json={"uid": "ada"}).status_code == 200
    assert admin.client.get(f"/api/users/{ada.id}").status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_user_deletes_the_own_account(ada: Person, admin: Person, slash: str) -> None:
    for body in (None, {}, {"current_password": ""}, {"current_password": 1}, [], "x"):
        answer = ada.client.delete(f"/api/users/{ada.id}{slash}", json=body)
        assert answer.status_code in (400, 403, 422)
    own = {"current_password": PASSWORD}
    assert ada.client.delete(f"/api/users/{ada.id}{slash}", json=own).status_code == 200
    assert ada.client.get_cookie("jwt") is None
    assert admin.client.get("/api/users/?q=ada").json == []


def test_the_last_admin_stays(admin: Person, make_person: MakePerson) -> None:
    own = {"current_password": PASSWORD}
    assert admin.client.delete(f"/api/users/{admin.id}", json=own).status_code == 409
    assert admin.client.delete("/api/users/", json=own | {"uid": "admin"}).status_code == 409
    assert admin.client.patch("/api/users/", json={"role": "User"}).status_code == 409
    make_person("second", role=Role.ADMIN, signed_in=False)
    assert admin.client.patch("/api/users/", json={"role": "User"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/user", "/api/user/"])
def test_one_changes_oneself_under_api_user(ada: Person, path: str) -> None:
    answer = ada.client.put(path, json={"name": "Countess", "uid": "countess"})
    assert answer.status_code == 200
    assert answer.json["uid"] == "countess"
    assert ada.client.get("/api/id").json["uid"] == "countess", "the session names the id, not the uid"


def test_a_page_may_send_back_what_it_was_given(ada: Person) -> None:
    me = ada.client.get("/api/id").json
    assert ada.client.put("/api/user", json=me | {"name": "Countess"}).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", 999), ("created_at", "2000-01-01T00:00:00+00:00"), ("age", 99), ("access", ["admin"])],
)
def test_nobody_sets_what_the_server_sets(admin: Person, field: str, value: Any) -> None:
    answer = admin.client.put("/api/user", json={field: value})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == f"#/{field}"


@pytest.mark.parametrize("field", ["password_hash", "pending", "uid_key", "is_admin", "_role"])
def test_unknown_fields_change_nothing_and_are_told(admin: Person, field: str) -> None:
    before = admin.client.get("/api/id").json
    answer = admin.client.put("/api/user", json={field: "x"})
    assert (answer.status_code, answer.headers["X-Ignored-Fields"]) == (200, field)
    assert admin.client.get("/api/id").json == before
    assert admin.sign_in().status_code == 200


def test_a_role_is_given_by_admins_only(ada: Person, teacher: Person, admin: Person) -> None:
    assert ada.client.put("/api/user", json={"role": "Admin"}).status_code == 403
    assert ada.client.put("/api/user", json={"role": "student"}).status_code == 403
    assert admin.client.put(f"/api/users/{ada.id}", json={"role": "student"}).status_code == 422
    assert teacher.client.put("/api/user", json={"role": "Admin"}).status_code == 403
    assert admin.client.put(f"/api/users/{ada.id}", json={"role": "Teacher"}).status_code == 200
    assert ada.client.get("/api/id").json["role"] == "Teacher"


def test_an_id_that_is_taken_is_a_conflict(ada: Person, teacher: Person, admin: Person) -> None:
    for spelling in ("teacher", "TEACHER", "ｔｅａｃｈｅｒ"):
        assert ada.client.put("/api/user", json={"uid": spelling}).status_code == 409
        assert admin.client.post("/api/users/", json={"uid": spelling, "name": "X"}).status_code == 409
    assert ada.client.get("/api/id").json["uid"] == "ada"


REGISTRATIONS = {
    "code": (403, "join code"),
    "closed": (403, "closed"),
    "open": (201, None),
    "approval": (201, None),
}


@pytest.mark.parametrize("registration", REGISTRATIONS)
@pytest.mark.parametrize("path", ["/api/user", "/api/users/"])
def test_who_may_sign_up_is_a_setting(make_app: MakeApp, registration: str, path: str) -> None:
    status, reason = REGISTRATIONS[registration]
    client = make_app(registration=registration).test_client()
    answer = client.post(path, json={"uid": "eve", "name": "Eve", "password": PASSWORD})
    assert answer.status_code == status
    if reason:
        assert reason in answer.json["message"]


def test_a_code_is_what_signing_up_needs_by_default(admin: Person, app: APIFlask) -> None:
    client = app.test_client()
    made = admin.client.post("/api/users/", json={"uid": "grace", "name": "Grace"}).json
    from homeroom.auth.join_codes import current_code
    from homeroom.auth.models import User
    from homeroom.data.transactions import write_transaction

    with app.app_context(), write_transaction() as session:
        code = current_code(session, session.get_one(User, made["id"]))
    body = {"code": code, "uid": "grace", "name": "Grace", "password": PASSWORD}
    assert client.post("/api/user", json=body | {"uid": "other"}).status_code == 422
    answer = client.post("/api/user", json=body)
    assert answer.status_code == 201
    assert answer.json["uid"] == "grace"
    assert client.post("/api/user", json=body).status_code == 404, "a code works once"
    signed_in = client.post("/api/authenticate", json={"uid": "grace", "password": PASSWORD})
    assert signed_in.status_code == 200


def test_a_pending_account_sees_itself_only_until_the_staff_admits_it(
    make_app: MakeApp, make_person: MakePerson
) -> None:
    app = make_app(registration="approval")
    teacher = make_person("teacher", role=Role.TEACHER, of=app)
    ada = make_person("ada", of=app)
    eve = app.test_client()
    eve_id = eve.post("/api/user", json={"uid": "eve", "name": "Eve", "password": PASSWORD}).json["id"]
    eve.post("/api/authenticate", json={"uid": "eve", "password": PASSWORD})

    assert [user["uid"] for user in eve.get("/api/users/").json] == ["eve"]
    assert eve.get("/api/users/").headers["X-Total-Count"] == "1"
    assert eve.get("/api/users/?q=ada").json == []
    assert eve.get(f"/api/users/{ada.id}").status_code == 404
    assert "eve" not in [user["uid"] for user in ada.client.get("/api/users/").json]
    assert "eve" in [user["uid"] for user in teacher.client.get("/api/users/").json]

    assert ada.client.post(f"/api/users/{eve_id}/admission").status_code == 403
    assert eve.post(f"/api/users/{eve_id}/admission").status_code == 403
    assert teacher.client.post(f"/api/users/{eve_id}/admission").status_code == 200
    assert eve.get(f"/api/users/{ada.id}").status_code == 200
    assert len(eve.get("/api/users/").json) == 3


@pytest.mark.parametrize("registration", ["open", "approval"])
def test_a_sign_up_may_not_choose_a_role(make_app: MakeApp, registration: str) -> None:
    client = make_app(registration=registration).test_client()
    body = {"uid": "eve", "name": "Eve", "password": PASSWORD, "role": "Admin"}
    for number, role in enumerate(("Admin", "Teacher", "User", "student", "")):
        made = client.post("/api/user", json=body | {"uid": f"eve{number}", "role": role})
        assert (made.status_code, made.json["role"]) == (201, "User")
        assert made.headers["X-Ignored-Fields"] == "role"


@pytest.mark.parametrize("password", [None, "", "short", "a" * 257, "evelyn-w", "aaaaaaaa"])
def test_a_sign_up_needs_a_password_worth_the_name(make_app: MakeApp, password: str | None) -> None:
    client = make_app(registration="open").test_client()
    body = {"uid": "evelyn-w", "name": "Eve", "password": password}
    answer = client.post("/api/user", json=body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/password"


@pytest.mark.parametrize("path", ["/api/user", "/api/user/"])
def test_one_deletes_oneself_under_api_user_with_the_password(ada: Person, path: str) -> None:
    assert ada.client.delete(path, json={}).status_code == 403
    assert ada.client.delete(path, json={"current_password": "wrong one"}).status_code == 403
    assert ada.client.delete(path, json={"current_password": PASSWORD}).status_code == 200
    assert ada.client.get("/api/id").status_code == 401


def test_an_admin_who_names_oneself_is_asked_for_the_password_too(admin: Person) -> None:
    answer = admin.client.delete("/api/users/", json={"uid": "admin"})
    assert answer.status_code == 403
    assert answer.json["message"] == "To delete your account, enter your current password."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"uid": "u", "name": "U", "password": "short"}, "#/password"),
        ([{"uid": "u", "name": "U", "password": "short"}], "#/0/password"),
    ],
)
def test_the_pointer_is_where_the_password_stands(admin: Person, body: Any, pointer: str) -> None:
    answer = admin.client.post("/api/users/", json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_sign_up_with_a_code_says_what_is_not_as_in_the_roster(
    admin: Person, app: APIFlask, code_of: Callable[[Person], str], make_person: MakePerson
) -> None:
    grace = make_person(
        "grace", name="Grace Hopper", signed_in=False, password_hash=None, dob=date(2010, 2, 3)
    )
    body = {"code": code_of(grace), "password": PASSWORD}
    for field, value in (("uid", "hopper"), ("name", "Eve"), ("dob", "2010-02-04")):
        answer = app.test_client().post("/api/users/", json=body | {field: value})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, f"#/{field}")
    agreed = {"uid": " GRACE ", "name": "grace  hopper", "dob": "2010-02-03", "email": "g@example.org"}
    answer = app.test_client().post("/api/users/", json=body | agreed)
    assert (answer.status_code, answer.json["email"]) == (201, "g@example.org")
