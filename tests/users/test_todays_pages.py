"""The requests of today's pages: they send more than we know, and read more than the lesson's table."""

import base64
import json
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from homeroom.auth.models import Role, User
from homeroom.data.transactions import write_transaction
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person
from tests.uploads.files import encoded

ORIGIN = {"Origin": "http://localhost:4100", "X-Origin": "client"}
# What the sign-up form of a page in the wild sends.
SIGN_UP = {
    "name": "Grace Hopper",
    "uid": "grace",
    "sid": "1234567",
    "school": "Del Norte High",
    "email": "grace@example.org",
    "password": "a harbour of moths",
    "kasm_server_needed": False,
}
FOR_ONESELF = ("sid", "pfp", "roles", "is_admin", "is_teacher", "sections")
BEYOND = ["sid", "school", "kasm_server_needed"]


def png_as_base64() -> str:
    return base64.b64encode(encoded("PNG", (40, 30))).decode()


def ignored(answer: Any) -> list[str]:
    """The names in the header."""
    value = answer.headers.get("X-Ignored-Fields")
    return [] if value is None else value.split(", ")


def open_client(make_app: MakeApp) -> FlaskClient:
    return make_app(registration="open").test_client()


def test_a_page_of_today_walks_its_whole_way(make_app: MakeApp) -> None:
    page = open_client(make_app)
    made = page.post("/api/user", json=SIGN_UP, headers=ORIGIN)
    assert made.status_code == 201
    assert ignored(made) == BEYOND
    credentials = {"uid": "grace", "password": SIGN_UP["password"]}
    assert page.post("/api/authenticate", json=credentials, headers=ORIGIN).status_code == 200
    oneself = [page.get(path, headers=ORIGIN).json for path in ("/api/id", "/api/user")]
    by_number = page.get(f"/api/users/{oneself[0]['id']}", headers=ORIGIN).json
    assert oneself[0] == oneself[1]
    assert {field: oneself[0][field] for field in by_number} == by_number
    changed = page.put("/api/user", json={"name": "Grace B. Hopper", "github_profile": "grace"})
    assert (changed.status_code, changed.json["name"]) == (200, "Grace B. Hopper")
    assert ignored(changed) == ["github_profile"]
    sent = page.put("/api/id/pfp", json={"pfp": png_as_base64()}, headers=ORIGIN)
    assert (sent.status_code, set(sent.json)) == (200, {"pfp"})
    assert page.get(page.get("/api/id").json["pfp"]).status_code == 200
    assert page.delete("/api/id/pfp", headers=ORIGIN).status_code == 200
    assert page.get("/api/id/pfp", headers=ORIGIN).status_code == 404
    assert page.get("/api/id").json["pfp"] is None
    assert page.delete("/api/authenticate", headers=ORIGIN).status_code == 200
    assert page.get("/api/user", headers=ORIGIN).status_code == 401


@pytest.mark.parametrize("path", ["/api/id", "/api/id/", "/api/user", "/api/user/"])
@pytest.mark.parametrize(
    ("role", "is_admin", "is_teacher"),
    [(Role.USER, False, False), (Role.TEACHER, False, True), (Role.ADMIN, True, False)],
)
def test_oneself_holds_what_later_pages_read(
    make_person: MakePerson, path: str, role: Role, is_admin: bool, is_teacher: bool
) -> None:
    oneself = make_person("ada", role=role).client.get(path).json
    assert {name: oneself[name] for name in FOR_ONESELF} == {
        "sid": None,
        "pfp": None,
        "roles": [{"name": role.value}],
        "is_admin": is_admin,
        "is_teacher": is_teacher,
        "sections": [],
    }


def test_a_guest_is_nobody(guest: FlaskClient) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert guest.open("/api/user", method=method, json={}).status_code == 401
    assert guest.delete("/api/id/pfp").status_code == 401


def test_others_do_not_have_what_is_for_oneself(ada: Person, admin: Person) -> None:
    shown = admin.client.get(f"/api/users/{ada.id}").json
    assert not set(FOR_ONESELF) & set(shown)


def test_what_a_page_was_given_may_be_sent_back_whole(ada: Person) -> None:
    oneself = ada.client.get("/api/id").json
    answer = ada.client.put("/api/user", json=oneself | {"name": "Ada King"})
    assert (answer.status_code, answer.json["name"]) == (200, "Ada King")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/users/", {}),
        ("PATCH", "/api/users/", {"uid": "ada"}),
        ("PUT", "/api/users/{id}", {}),
        ("PATCH", "/api/users/{id}", {}),
        ("PUT", "/api/user", {"email": "ada@example.org"}),
        ("POST", "/api/authenticate", {"uid": "ada", "password": PASSWORD}),
        ("PUT", "/api/id/pfp", {"pfp": png_as_base64()}),
        ("DELETE", "/api/user", {"current_password": PASSWORD}),
        ("DELETE", "/api/users/{id}", {"current_password": PASSWORD}),
    ],
)
def test_each_body_of_the_table_takes_unknown_fields_and_says_so(
    ada: Person, method: str, path: str, body: dict[str, Any]
) -> None:
    sent = body | {"school": "Del Norte", "__proto__": {"x": 1}}
    answer = ada.client.open(path.format(id=ada.id), method=method, json=sent)
    assert answer.status_code == 200, answer.json
    assert ignored(answer) == ["school", "__proto__"]


def test_an_admins_bodies_take_unknown_fields_too(admin: Person, ada: Person) -> None:
    rows = [{"uid": "x1", "name": "X One", "a": 1}, {"uid": "x2", "name": "X Two", "b": 2, "a": 3}]
    made = admin.client.post("/api/users/", json=rows)
    assert (made.status_code, ignored(made)) == (201, ["a", "b"])
    gone = admin.client.delete("/api/users/", json={"uid": "ada", "reason": "moved"})
    assert (gone.status_code, ignored(gone)) == (200, ["reason"])


def test_names_that_no_header_could_hold_are_written_as_in_an_address(ada: Person) -> None:
    odd = {"school name": 1, "a,b": 1, "naïve": 1, "x\r\nSet-Cookie: y=1": 1, "\ud800": 1, "": 1}
    answer = ada.client.put("/api/user", data=json.dumps(odd), content_type="application/json")
    assert answer.status_code == 200
    names = ["school%20name", "a%2Cb", "na%C3%AFve", "x%0D%0ASet-Cookie%3A%20y%3D1", "%3F", '""']
    assert ignored(answer) == names


def test_the_header_has_a_bound(ada: Person) -> None:
    answer = ada.client.put("/api/user", json={f"field{number}" * 50: 1 for number in range(150)})
    assert answer.status_code == 200
    assert len(answer.headers["X-Ignored-Fields"]) < 2100
    assert len(ignored(answer)) == 21
    assert ignored(answer)[-1] == "..."


def test_a_role_is_ignored_at_sign_up_and_told(make_app: MakeApp) -> None:
    page = open_client(make_app)
    made = page.post("/api/user", json=SIGN_UP | {"role": "Admin"})
    assert (made.status_code, made.json["role"]) == (201, "User")
    assert ignored(made) == [*BEYOND, "role"]


def test_a_role_is_refused_where_it_would_change_an_account(ada: Person) -> None:
    refused = ada.client.put("/api/user", json={"role": "Admin", "school": "Del Norte"})
    assert refused.status_code == 403
    assert ada.client.put("/api/user", json={"role": "User"}).status_code == 200
    assert ada.client.get("/api/id").json["role"] == "User"


def test_all_other_bodies_are_strict(ada: Person, admin: Person, app: APIFlask) -> None:
    asked = [
        (ada, "POST", "/api/projects/", {"title": "Game", "school": "x"}),
        (ada, "POST", "/api/confirmation", {"current_password": PASSWORD, "school": "x"}),
    ]
    for person, method, path, body in asked:
        answer = person.client.open(path, method=method, json=body)
        assert answer.status_code == 422, path
        assert answer.json["errors"][0]["pointer"] == "#/school"
        assert answer.json["errors"][0]["detail"] == "This field doesn't exist."


def test_a_new_password_without_the_current_one_is_refused_in_words(ada: Person) -> None:
    for path in ("/api/user", "/api/users/", f"/api/users/{ada.id}"):
        refused = ada.client.put(path, json={"password": "a harbour of moths"})
        assert refused.status_code == 403
        assert refused.json["message"] == "To change your password, enter your current one too."
    assert ada.sign_in().status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"current_password": ""}, {"current_password": "wrong one"}])
def test_nobody_is_deleted_without_their_password(ada: Person, app: APIFlask, body: Any) -> None:
    for method, path in (("DELETE", "/api/user"), ("DELETE", f"/api/users/{ada.id}")):
        refused = ada.client.open(path, method=method, json=body)
        assert refused.status_code in (400, 403), (path, refused.json)
    with app.app_context(), write_transaction() as session:
        assert session.get(User, ada.id) is not None


def test_pages_may_ask_who_is_signed_in_without_a_401(guest: FlaskClient, ada: Person) -> None:
    assert guest.get("/api/session").json == {"user": None}
    assert ada.client.get("/api/session").json == {"user": ada.client.get("/api/id").json}
    ada.client.delete("/api/sessions")
    assert ada.client.get("/api/session").json == {"user": None}
