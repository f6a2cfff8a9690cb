"""The guard's table in the contract, a test a row, and the tokens that people try."""

import base64
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from homeroom.auth.guard import token_required
from homeroom.auth.models import Role
from tests.conftest import KEY, MakeApp, MakePerson, Person

OTHER_KEY = "another key that is long enough: fedcba9876543210"


def assert_refused(answer: TestResponse, message: str) -> None:
    assert answer.status_code == 401
    assert answer.json["message"] == answer.json["detail"] == message
    assert answer.json["error"] == answer.json["title"] == "Unauthorized"
    assert answer.json["data"] is None


def claims_of(person: Person) -> dict[str, Any]:
    cookie = person.client.get_cookie("jwt")
    return jwt.decode(cookie.value, options={"verify_signature": False})


def ask_with(client: FlaskClient, token: str) -> TestResponse:
    client.set_cookie("jwt", token)
    return client.get("/api/id")


def test_without_a_cookie_the_token_is_missing(guest: FlaskClient) -> None:
    assert_refused(guest.get("/api/id"), "Authentication Token is missing!")


def test_with_a_session_the_view_gets_the_user(ada: Person) -> None:
    answer = ada.client.get("/api/id")
    assert answer.status_code == 200
    assert answer.json["uid"] == "ada"


def test_a_token_of_a_revoked_session_is_invalid(ada: Person) -> None:
    token = ada.client.get_cookie("jwt").value
    ada.client.delete("/api/authenticate")
    assert_refused(ask_with(ada.client, token), "Invalid Authentication token!")


def test_a_token_of_a_deleted_user_is_invalid(ada: Person, admin: Person) -> None:
    assert admin.client.delete(f"/api/users/{ada.id}").status_code == 200
    assert_refused(ada.client.get("/api/id"), "Invalid Authentication token!")


def test_a_session_is_good_for_its_own_user_only(ada: Person, make_person: MakePerson) -> None:
    eve = make_person("eve")
    stolen = claims_of(ada) | {"sub": str(eve.id)}
    token = jwt.encode(stolen, KEY, algorithm="HS256")
    assert_refused(ask_with(eve.client, token), "Invalid Authentication token!")


def test_an_account_that_took_a_freed_uid_does_not_take_its_token(
    ada: Person, admin: Person, make_person: MakePerson
) -> None:
    admin.client.delete(f"/api/users/{ada.id}")
    successor = make_person("ada", signed_in=False)
    assert successor.id != ada.id
    assert_refused(ada.client.get("/api/id"), "Invalid Authentication token!")


def test_a_session_ends_when_its_time_is_over(make_app: MakeApp, make_person: MakePerson) -> None:
    short = make_app(token_lifetime_hours=1.5 / 3600)
    person = make_person("ada", of=short, signed_in=False)
    assert person.sign_in().status_code == 200
    token = person.client.get_cookie("jwt").value
    time.sleep(1.6)
    assert_refused(ask_with(person.client, token), "Something went wrong, likely with the token!")


def _unsigned(claims: dict[str, Any], algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*texts, ""))


BROKEN = {
    "garbage": lambda claims: "garbage",
    "three dots": lambda claims: "...",
    "not ascii": lambda claims: "ä.ö.ü",
    "three kilobytes": lambda claims: "a" * 3000,
    "foreign key": lambda claims: jwt.encode(claims, OTHER_KEY, algorithm="HS256"),
    "another algorithm": lambda claims: jwt.encode(claims, KEY * 2, algorithm="HS512"),
    "alg none": lambda claims: _unsigned(claims, "none"),
    "alg None": lambda claims: _unsigned(claims, "None"),
    "expired": lambda claims: jwt.encode(
        claims | {"exp": datetime.now(UTC) - timedelta(seconds=5)}, KEY, algorithm="HS256"
    ),
    "without exp": lambda claims: jwt.encode(
        {name: claims[name] for name in ("sub", "sid", "iat")}, KEY, algorithm="HS256"
    ),
    "without sid": lambda claims: jwt.encode(
        {name: claims[name] for name in ("sub", "iat", "exp")}, KEY, algorithm="HS256"
    ),
    "sub of a wrong type": lambda claims: jwt.encode(claims | {"sub": "ada"}, KEY, algorithm="HS256"),
    "sub beyond all ids": lambda claims: jwt.encode(claims | {"sub": "9" * 30}, KEY, algorithm="HS256"),
    "sid of a wrong type": lambda claims: jwt.encode(claims | {"sid": ["x"]}, KEY, algorithm="HS256"),
    "SQL for a sid": lambda claims: jwt.encode(claims | {"sid": "' OR 1=1 --"}, KEY, algorithm="HS256"),
    "exp of a wrong type": lambda claims: jwt.encode(claims | {"exp": "soon"}, KEY, algorithm="HS256"),
    "exp beyond all time": lambda claims: jwt.encode(claims | {"exp": float("inf")}, KEY, algorithm="HS256"),
    "issued in the future": lambda claims: jwt.encode(
        claims | {"iat": time.time() + 3600}, KEY, algorithm="HS256"
    ),
    "a list for claims": lambda claims: jwt.api_jws.encode(b"[1]", KEY, algorithm="HS256"),
    "tampered": lambda claims: jwt.encode(claims, KEY, algorithm="HS256")[:-4] + "AAAA",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_token_is_refused_without_the_parsers_words(ada: Person, kind: str) -> None:
    token = BROKEN[kind](claims_of(ada))
    answer = ask_with(ada.client, token)
    assert_refused(answer, "Something went wrong, likely with the token!")


def test_the_same_claims_signed_by_us_are_accepted(ada: Person) -> None:
    # The refusals above prove nothing if this is refused as well.
    token = jwt.encode(claims_of(ada), KEY, algorithm="HS256")
    assert ask_with(ada.client, token).status_code == 200


def test_a_role_that_is_not_among_those_required_is_forbidden(
    ada: Person, teacher: Person, admin: Person
) -> None:
    body = {"uid": "nobody"}
    for person in (ada, teacher):
        answer = person.client.delete("/api/users/", json=body)
        assert answer.status_code == 403
        assert answer.json["message"] == "Insufficient permissions. Required roles: Admin"
        assert answer.json["error"] == "Forbidden"
    assert admin.client.delete("/api/users/", json=body).status_code == 404


@pytest.mark.parametrize("roles", ["Adm", "", ["Admin, Teacher"], ["admin"]])
def test_a_part_of_a_role_is_no_role(roles: str | list[str]) -> None:
    with pytest.raises(ValueError, match="is not a valid Role"):
        token_required(roles)


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        (None, {"ada", "teacher", "admin"}),
        ("Admin", {"admin"}),
        (Role.TEACHER, {"teacher"}),
        (["Teacher", "Admin"], {"teacher", "admin"}),
        ({Role.USER}, {"ada"}),
    ],
)
def test_roles_may_be_one_or_several(
    app: APIFlask, ada: Person, teacher: Person, admin: Person, roles: Any, allowed: set[str]
) -> None:
    @token_required(roles)
    def view(user: Any) -> str:
        return str(user.uid)

    app.view_functions["auth.sign_out_everywhere"] = view
    people = (ada, teacher, admin)
    answered = {person.uid for person in people if person.client.delete("/api/sessions").status_code == 200}
    assert answered == allowed


def test_a_role_counts_from_the_next_request_on(ada: Person, admin: Person) -> None:
    assert ada.client.delete("/api/users/", json={"uid": "nobody"}).status_code == 403
    admin.client.patch(f"/api/users/{ada.id}", json={"role": "Admin"})
    assert ada.client.delete("/api/users/", json={"uid": "nobody"}).status_code == 404
    admin.client.patch(f"/api/users/{ada.id}", json={"role": "User"})
    assert ada.client.delete("/api/users/", json={"uid": "nobody"}).status_code == 403


def test_a_new_key_signs_while_an_old_one_still_verifies(make_app: MakeApp, ada: Person) -> None:
    token = ada.client.get_cookie("jwt").value
    rotated = make_app(secret_key=OTHER_KEY, secret_key_fallbacks=KEY).test_client()
    assert ask_with(rotated, token).status_code == 200
    forgotten = make_app(secret_key=OTHER_KEY).test_client()
    assert_refused(ask_with(forgotten, token), "Something went wrong, likely with the token!")
    signed_anew = rotated.post("/api/authenticate", json={"uid": "ada", "password": ada.password})
    assert signed_anew.status_code == 200
    assert ask_with(forgotten, rotated.get_cookie("jwt").value).status_code == 200


PUBLIC = {
    # Signing in and out, and what comes before it.
    ("POST", "/api/authenticate"),
    ("POST", "/api/users/authenticate"),
    ("DELETE", "/api/authenticate"),
    ("POST", "/api/join/code"),
    ("POST", "/api/join"),
    # Refuses by REGISTRATION, and arrays of all but admins.
    ("POST", "/api/users/"),
    ("POST", "/api/user"),
    # Guests hear that they are guests.
    ("GET", "/api/session"),
    # Guests see what is public, and of its authors the shown name.
    ("GET", "/api/projects/"),
    ("GET", "/api/projects/<int:project_id>"),
    ("GET", "/api/projects/<int:project_id>/pictures/<int:picture_id>/<rendition>.<extension>"),
    ("GET", "/api/portfolio/<uid>"),
    # Machines ask these; they hold nobody's data.
    ("GET", "/api/health/live"),
    ("GET", "/api/health/ready"),
    ("GET", "/api/openapi.json"),
    # The site's files.
    ("GET", "/"),
    ("GET", "/<site:path>"),
    ("GET", "/api/docs"),
    ("GET", "/api/docs/"),
}


def test_every_route_is_guarded_or_on_the_short_list_of_public_ones(app: APIFlask) -> None:
    unguarded = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not hasattr(app.view_functions[rule.endpoint], "guarded_for")
    }
    assert unguarded == PUBLIC


def test_every_guarded_route_refuses_a_guest(app: APIFlask, guest: FlaskClient) -> None:
    asked = 0
    for rule in app.url_map.iter_rules():
        if hasattr(app.view_functions[rule.endpoint], "guarded_for"):
            path = re.sub("<[^>]+>", "1", rule.rule)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert_refused(guest.open(path, method=method), "Authentication Token is missing!")
                asked += 1
    assert asked > 10


@pytest.mark.parametrize("exp", [1.5, 4e9 + 0.5, 10**30, 1e300, -1, 0, True, "2999-01-01", None, [1], {}])
def test_an_expiry_that_is_no_moment_is_a_broken_token(ada: Person, app: APIFlask, exp: object) -> None:
    token = jwt.encode(claims_of(ada) | {"exp": exp}, KEY, algorithm="HS256")
    for path in ("/api/id", "/api/sessions"):
        answer = app.test_client(use_cookies=False).get(path, headers={"Cookie": f"jwt={token}"})
        assert answer.status_code == 401
