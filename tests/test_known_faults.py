"""The faults of servers of this kind, each known from a real one: a test that it is not copied here."""

import io
import re
import time
from base64 import b64encode
from pathlib import Path

import flask_migrate
import jwt
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image

from homeroom.config import ConfigError, load_config
from homeroom.data.database import db
from tests.conftest import KEY, PASSWORD, MakeApp, MakePerson, Person

SOURCE = Path(__file__).parent.parent / "src" / "homeroom"


def test_every_token_expires(ada: Person) -> None:
    claims = jwt.decode(ada.client.get_cookie("jwt").value, KEY, algorithms=["HS256"])
    assert 0 < claims["exp"] - time.time() <= 12 * 3600


def test_a_token_names_what_cannot_be_changed_or_taken_over(ada: Person, make_person: MakePerson) -> None:
    assert ada.client.put("/api/user", json={"uid": "countess"}).status_code == 200
    make_person("ada", name="Another Ada", signed_in=False, roster_key=None)
    assert ada.client.get("/api/id").json["name"] == "Ada Lovelace"


def test_a_password_does_not_become_the_id_that_everybody_reads(ada: Person, admin: Person) -> None:
    for client in (ada.client, admin.client):
        answer = client.patch(f"/api/users/{ada.id}", json={"uid": PASSWORD.replace(" ", "")})
        assert answer.status_code == 200, "another spelling is not the password"
    new = {"password": "zebrafinch4711", "current_password": PASSWORD}
    assert ada.client.put("/api/user", json=new).status_code == 200
    for client in (ada.client, admin.client):
        answer = client.patch(f"/api/users/{ada.id}", json={"uid": "zebrafinch4711"})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/uid")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/portfolio", {"about": "New"}),
        ("PUT", "/api/user", {"name": "New"}),
        ("PATCH", "/api/users/{id}", {"name": "New"}),
        ("DELETE", "/api/users/{id}", {"current_password": PASSWORD}),
        ("POST", "/api/projects/", {"title": "New"}),
    ],
)
def test_no_address_ignores_if_match(ada: Person, method: str, path: str, body: dict[str, str]) -> None:
    """Whoever sends it does not want to overwrite; where nothing is compared, nothing is done."""
    place = path.format(id=ada.id)
    for tag in ('"old"', 'W/"old"', "unreadable", '""'):
        answer = ada.client.open(place, method=method, json=body, headers={"If-Match": tag})
        assert answer.status_code == 412
    anything = ada.client.open(place, method=method, json=body, headers={"If-Match": "*"})
    assert anything.status_code in (200, 201)


def test_what_is_too_long_is_told_in_words_for_people(ada: Person) -> None:
    sent = {
        "title": "T",
        "summary": "a" * 301,
        "body": "a" * 20_604,
        "tags": [f"tag {number}" for number in range(30)],
    }
    answer = ada.client.post("/api/projects/", json=sent)
    assert {problem["pointer"]: problem["detail"] for problem in answer.json["errors"]} == {
        "#/summary": "Use at most 300 characters; you sent 301.",
        "#/body": "Use at most 20,000 characters; you sent 20,604.",
        "#/tags": "Use at most 12 tags; you sent 30.",
    }


def test_a_role_is_compared_whole(ada: Person, teacher: Person) -> None:
    for person in (ada, teacher):
        assert person.client.delete("/api/users/", json={"uid": "x"}).status_code == 403


def test_nobody_gets_a_default_password(make_app: MakeApp, admin: Person) -> None:
    client = make_app(registration="open").test_client()
    assert client.post("/api/user", json={"uid": "eve", "name": "Eve"}).status_code == 422
    admin.client.post("/api/users/", json={"uid": "grace", "name": "Grace"})
    for password in ("123qwerty", "password", "grace", "Grace", "123Toby!"):
        answer = client.post("/api/authenticate", json={"uid": "grace", "password": password})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("PUT", "/api/user", b"no json"),
        ("PUT", "/api/user", b'{"name": 7}'),
        ("PUT", "/api/user", b'{"uid": "teacher"}'),
        ("POST", "/api/authenticate", b"no json"),
        ("POST", "/api/authenticate", b'{"uid": {}, "password": []}'),
    ],
)
def test_bad_bodies_are_the_callers_fault(
    ada: Person, teacher: Person, method: str, path: str, data: bytes
) -> None:
    for content_type in ("application/json", None):
        answer = ada.client.open(path, method=method, data=data, content_type=content_type)
        assert 400 <= answer.status_code < 500


def test_garbage_for_a_token_is_a_401_without_the_parsers_words(guest: FlaskClient) -> None:
    guest.set_cookie("jwt", "garbage")
    answer = guest.get("/api/users/")
    assert answer.status_code == 401
    assert "segment" not in answer.get_data(as_text=True)


def test_no_script_of_the_site_turns_text_into_markup() -> None:
    scripts = list((SOURCE / "site").rglob("*.js"))
    assert len(scripts) > 5
    dangerous = re.compile(r"\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function")
    assert [path.name for path in scripts if dangerous.search(path.read_text())] == []


def test_a_listing_is_guarded_and_holds_no_hash(guest: FlaskClient, admin: Person) -> None:
    assert guest.get("/api/users/").status_code == 401
    for path in ("/api/users/", "/api/id", f"/api/users/{admin.id}"):
        text = admin.client.get(path).get_data(as_text=True)
        assert "argon2" not in text
        assert "password" not in text


def test_a_sign_up_cannot_set_a_role(make_app: MakeApp) -> None:
    client = make_app(registration="open").test_client()
    body = {"uid": "eve", "name": "Eve", "password": PASSWORD, "role": "Admin"}
    assert client.post("/api/user", json=body).json["role"] == "User"
    assert client.post("/api/authenticate", json={"uid": "eve", "password": PASSWORD}).status_code == 200
    assert client.get("/api/id").json["role"] == "User"


def test_preparing_the_database_again_drops_nothing(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        db.session.remove()
        flask_migrate.upgrade()
    assert ada.client.get("/api/id").status_code == 200


@pytest.mark.parametrize("key", ["SECRET_KEY", "secret", "dev", "changeme", ""])
def test_a_placeholder_is_no_key(key: str) -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        load_config(secret_key=key)


def test_a_preflight_knows_delete_and_x_origin_and_how_long_it_holds(guest: FlaskClient) -> None:
    headers = {
        "Origin": "http://localhost:4100",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "x-origin",
    }
    answer = guest.options("/api/users/", headers=headers)
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    assert "x-origin" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Max-Age" in answer.headers


def test_an_origin_is_not_reflected_with_credentials(ada: Person) -> None:
    answer = ada.client.get("/api/users/", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_third_party_cookie_is_partitioned(make_app: MakeApp, make_person: MakePerson) -> None:
    app = make_app(frontend_origins="https://someone.github.io")
    person = make_person("ada", of=app, signed_in=False)
    headers = {"Origin": "https://someone.github.io", "Sec-Fetch-Site": "cross-site"}
    cookie = person.sign_in(base_url="https://class.example", headers=headers).headers["Set-Cookie"]
    assert all(flag in cookie for flag in ("SameSite=None", "Secure", "Partitioned"))


def test_a_picture_is_told_by_its_content(ada: Person) -> None:
    page = b"<script>alert(1)</script>"
    answer = ada.client.put("/api/id/pfp", json={"pfp": b64encode(page).decode()})
    assert answer.status_code == 415
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    picture = b64encode(buffer.getvalue()).decode()
    assert ada.client.put("/api/id/pfp", json={"pfp": picture}).status_code == 200
