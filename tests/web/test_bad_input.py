"""What people, scripts and attackers send: each gets a 4xx in the one shape, never a 500."""

import json
import re
from typing import Any
from unittest.mock import patch

import pytest
from apiflask import APIFlask
from flask import abort
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import default_exceptions

from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

SHAPE = {"title", "status", "detail", "message", "data", "error"}


def assert_problem(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.data[:300]
    assert answer.content_type == "application/problem+json"
    body = answer.json
    assert set(body) - {"errors"} == SHAPE
    assert body["status"] == answer.status_code
    assert body["message"] == body["detail"]
    assert body["error"] == body["title"]
    assert body["data"] is None
    for error in body.get("errors", []):
        assert set(error) == {"pointer", "detail"}
    text = answer.get_data(as_text=True)
    assert not any(
        leak in text for leak in ("Traceback", "sqlite3", "psycopg", "SELECT", "/src/", "site-packages")
    )


BODIES = {
    "nothing": b"",
    "not JSON": b"uid=ada&password=x",
    "half JSON": b'{"uid": "ada"',
    "NaN": b'{"id": NaN}',
    "Infinity": b'{"id": -Infinity}',
    "not UTF-8": b'{"uid": "\xff\xfe"}',
    "UTF-16 without an end": '{"uid": "ada"}'.encode("utf-16")[:-1],
    "ten thousand brackets": b"[" * 10_000,
    "a hundred thousand braces": b'{"a":' * 100_000,
    "a number of five thousand digits": b'{"id": ' + b"9" * 5000 + b"}",
    "NUL": b"\x00",
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/authenticate"),
        ("POST", "/api/join"),
        ("POST", "/api/user"),
        ("PUT", "/api/user"),
        ("PATCH", "/api/users/"),
        ("DELETE", "/api/users/"),
        ("PUT", "/api/id/pfp"),
    ],
)
def test_a_body_that_is_no_json_is_400(admin: Person, method: str, path: str, kind: str) -> None:
    answer = admin.client.open(path, method=method, data=BODIES[kind], content_type="application/json")
    # `DELETE` may come without a body; what is missing in it is told.
    assert_problem(answer, 422 if (method, kind) == ("DELETE", "nothing") else 400)


# Where a wrong type is answered with the types of files.
TAKE_FILES = ("/api/uploads", "/api/id/picture", "/api/roster")


@pytest.mark.parametrize(
    ("body", "content_type", "told"),
    [
        ("uid=ada&password=x", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("--x\r\n\r\n--x--", "multipart/form-data; boundary=x", "multipart/form-data"),
        ("[object Object]", "text/plain;charset=UTF-8", "text/plain"),
        ("[object Object]", "application/json", "JSON.stringify"),
        ("uid=ada", "", "no content type"),
        ("uid=ada", "<img src=x onerror=alert(1)>", "The content type isn't valid"),
    ],
)
def test_a_body_that_is_no_json_is_told_what_to_send(
    app: APIFlask, admin: Person, body: str, content_type: str, told: str
) -> None:
    asked = 0
    refused = 400 if content_type == "application/json" else 415
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods & {"POST", "PUT", "PATCH", "DELETE"}):
            path = re.sub(r"<[^>]+>", "1", rule.rule)
            if not path.startswith("/api/"):
                continue
            answer = admin.client.open(path, method=method, data=body, content_type=content_type)
            assert "could not understand" not in answer.get_data(as_text=True), (method, path)
            if answer.status_code == refused and path.rstrip("/") not in TAKE_FILES:
                asked += 1
                assert told in answer.json["message"], (method, path)
                assert "<" not in answer.json["message"]
                assert "application/json" in answer.json["message"] or told == "JSON.stringify"
        # Deleting the account or the session ends what the next request needs.
        assert admin.sign_in().status_code in (200, 429)
    assert asked > 10


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; a=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        None,
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/authenticate", {"uid": "ada", "password": PASSWORD}),
        ("PUT", "/api/user", {"name": "New"}),
        ("PATCH", "/api/users/", {"name": "New"}),
        ("POST", "/api/user", {"uid": "eve", "name": "Eve", "password": PASSWORD}),
        ("POST", "/api/projects/", {"title": "New"}),
        ("PUT", "/api/portfolio", {"about": "New"}),
        ("PUT", "/api/id/pfp", {"pfp": "AAAA"}),
        ("PUT", "/api/id/picture", {"picture_id": 1}),
        ("DELETE", "/api/user", {"current_password": PASSWORD}),
    ],
)
def test_json_of_a_type_that_browsers_send_without_asking_is_415(
    ada: Person, method: str, path: str, body: dict[str, object], content_type: str | None
) -> None:
    answer = ada.client.open(path, method=method, data=json.dumps(body), content_type=content_type)
    # A form for a picture is one, and lacks its file.
    is_form = path == "/api/id/picture" and str(content_type).startswith("multipart/")
    assert_problem(answer, 422 if is_form else 415)
    assert ada.client.get("/api/id").json["name"] == "Ada Lovelace"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.class+json"])
def test_json_of_its_own_types_is_taken(ada: Person, content_type: str) -> None:
    answer = ada.client.put("/api/user", data='{"name": "New"}', content_type=content_type)
    assert (answer.status_code, answer.json["name"]) == (200, "New")


@pytest.mark.parametrize(
    "body", ['{"pfp": [' + "[]," * 1_000_000 + "0]}", '{"pfp": "' + '","' * 1_000_000 + '"}', "[" * 2_000_000]
)
@pytest.mark.parametrize("path", ["/api/id/pfp", "/api/id/picture", "/api/user"])
def test_a_large_body_that_is_no_picture_is_not_taken_apart(ada: Person, path: str, body: str) -> None:
    """Two megabytes of brackets become a hundred of lists."""
    with patch("homeroom.web.schema.StrictJSON.loads", side_effect=AssertionError("it was parsed")):
        answer = ada.client.put(path, data=body, content_type="application/json")
    assert_problem(answer, 413)


@pytest.mark.parametrize("path", ["/api/users/", "/api/user"])
def test_a_list_of_somebody_who_is_no_admin_is_not_looked_at(app: APIFlask, ada: Person, path: str) -> None:
    costly = [{"uid": f"u{n}", "name": "N", "email": f"a@{'工' * 60}.org"} for n in range(1000)]
    with patch("homeroom.users.fields.validate_email", side_effect=AssertionError("it was looked at")):
        assert_problem(app.test_client().post(path, json=costly), 401)
        assert_problem(ada.client.post(path, json=costly), 403)


def test_an_address_with_an_endless_name_is_refused_before_it_is_taken_apart(ada: Person) -> None:
    with patch("homeroom.users.fields.validate_email", side_effect=AssertionError("it was looked at")):
        for domain in ("٠" * 200, "a." + "工" * 64 + ".org", "。" + "x" * 64):
            answer = ada.client.put("/api/user", json={"email": f"a@{domain}"})
            assert_problem(answer, 422)


def test_a_body_of_very_many_fields_is_not_read_field_by_field(admin: Person) -> None:
    many = {str(number): 0 for number in range(50_000)}
    for method, path in (("POST", "/api/join"), ("POST", "/api/projects/"), ("PUT", "/api/user")):
        answer = admin.client.open(path, method=method, json=many)
        assert_problem(answer, 422)
        assert answer.json["errors"] == [
            {"pointer": "#", "detail": "Use at most 200 fields; you sent 50,000."}
        ]


WRONG_TYPES = (
    None,
    True,
    7,
    1.5,
    "text",
    [],
    [[]],
    {"uid": None},
    {"uid": 7},
    {"uid": ["ada"]},
    {"uid": {"a": 1}},
)


@pytest.mark.parametrize("body", WRONG_TYPES, ids=json.dumps)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/authenticate"), ("PUT", "/api/user"), ("DELETE", "/api/users/")]
)
def test_a_body_of_a_wrong_type_is_422(admin: Person, method: str, path: str, body: Any) -> None:
    sent = json.dumps(body)
    answer = admin.client.open(path, method=method, data=sent, content_type="application/json")
    if (method, body) == ("PUT", {"uid": None}):
        assert answer.json["errors"] == [{"pointer": "#/uid", "detail": "This can't be null."}]
    if not isinstance(body, dict | list):
        assert answer.json["errors"] == [{"pointer": "#", "detail": "This must be an object."}]
    assert_problem(answer, 422)


@pytest.mark.parametrize(
    "field_and_value",
    [
        {"name": value}
        for value in (
            "",
            "   ",
            "\u200d",
            "a" * 101,
            "a\x00b",
            "\u202eevil",
            "\u200fright to left mark",
            "\u2067isolated",
            "\x1b[31m",
            "\u2028",
            7,
            True,
            ["Ada"],
            None,
        )
    ]
    + [{"uid": value} for value in ("", "with space", "a" * 65, "a/b", "../x", "a\x00", "\u202ex", 7, None)]
    + [{"email": value} for value in ("ada", "ada@", "@example.org", "a" * 250 + "@x.org", "a\x00@x.org", 7)]
    + [
        {"dob": value}
        for value in (
            "2010-02-30",
            "2009-02-29",
            "10.12.2010",
            "12/10/2010",
            "2010-1-2",
            "20101210",
            "2010-12-10T00:00:00",
            "2999-01-01",
            "1800-01-01",
            "0000-00-00",
            "٢٠١٠-١٢-١٠",
            "",
            20101210,
            0,
            False,
        )
    ]
    + [{"role": value} for value in ("admin", "Root", "", 1, ["Admin"])]
    + [{"password": value} for value in ("", 7, None, "a" * 1001)][:2]
    + [{"id": value} for value in ("1", 0, -1, 2**63, True, 1.0)],
    ids=lambda value: json.dumps(value)[:50],
)
def test_a_wrong_field_is_named(admin: Person, field_and_value: dict[str, Any]) -> None:
    (field,) = field_and_value
    answer = admin.client.put("/api/user", json=field_and_value)
    assert_problem(answer, 422)
    assert answer.json["errors"][0]["pointer"] == f"#/{field}"
    assert admin.client.get("/api/id").json["uid"] == "admin"


def test_pages_that_show_the_message_alone_are_told_the_one_reason(ada: Person) -> None:
    for body, message in (
        ({"title": ""}, "title: This can't be empty."),
        ({"title": 1, "tags": 1}, "Some fields aren't valid."),
        ({"title": "A", "links": [{"label": "A"}]}, "links/0/url: This is required."),
        ({"title": "A", "<img src=x onerror=alert(1)>": 1}, "This field doesn't exist."),
    ):
        answer = ada.client.post("/api/projects/", json=body)
        assert_problem(answer, 422)
        assert answer.json["message"] == message


@pytest.mark.parametrize("field", ["name", "uid", "email", "dob", "password", "role"])
def test_half_a_surrogate_pair_is_refused(admin: Person, field: str) -> None:
    answer = admin.client.put(
        "/api/user", data=f'{{"{field}": "a\\ud800b"}}', content_type="application/json"
    )
    assert_problem(answer, 422)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("José", "José"),
        ("Ὑπατία", "Ὑπατία"),
        ("李小龍", "李小龍"),
        ("محمد", "محمد"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
        ("O'Brien-Smith, Jr.", "O'Brien-Smith, Jr."),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("Robert'); DROP TABLE users;--", "Robert'); DROP TABLE users;--"),
        ("ﷺ" * 100, "ﷺ" * 100),
    ],
)
def test_a_name_may_be_in_any_script(ada: Person, sent: str, kept: str) -> None:
    assert ada.client.put("/api/user", json={"name": sent}).json["name"] == kept
    assert ada.client.get("/api/users/").json[0]["name"] == kept


def test_a_name_of_ten_megabytes_is_413(ada: Person) -> None:
    assert_problem(ada.client.put("/api/user", json={"name": "a" * 10_000_000}), 413)
    assert_problem(ada.client.put("/api/user", json={"name": "a" * 1_000_000}), 422)


def test_a_guest_cannot_make_the_server_read_a_body(guest: FlaskClient) -> None:
    # The guard comes before the schema: 401, not 413 or 422.
    assert_problem(guest.put("/api/user", json={"name": "a" * 10_000_000}), 401)


def test_a_password_with_a_nul_or_a_megabyte_costs_nothing(guest: FlaskClient, ada: Person) -> None:
    for password in ("a\x00b", "a" * 1_000_000):
        answer = guest.post("/api/authenticate", json={"uid": "ada", "password": password})
        assert_problem(answer, 422)


def test_one_rejected_row_of_an_array_is_named_and_nothing_is_made(admin: Person) -> None:
    rows = [{"uid": f"u{n}", "name": f"User {n}"} for n in range(3)]
    rows[1]["name"] = ""
    answer = admin.client.post("/api/users/", json=rows)
    assert_problem(answer, 422)
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/1/name"]
    future = [{"uid": "u", "name": "U"}, {"uid": "v", "name": "V", "dob": "2999-01-01"}]
    answer = admin.client.post("/api/users/", json=future)
    assert answer.json["errors"][0]["pointer"] == "#/1/dob"
    too_many = [{"uid": f"u{n}", "name": "U"} for n in range(1001)]
    assert_problem(admin.client.post("/api/users/", json=too_many), 422)
    twice = [{"uid": "same", "name": "A"}, {"uid": "SAME", "name": "B"}]
    assert_problem(admin.client.post("/api/users/", json=twice), 409)
    assert len(admin.client.get("/api/users/").json) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/users/%00",
        "/api/users/%ff",
        "/api/%2e%2e/%2e%2e/etc/passwd",
        "/api//users",
        "/api/" + "a" * 8000,
    ],
)
def test_a_path_that_leads_nowhere_is_404(admin: Person, path: str) -> None:
    assert_problem(admin.client.get(path), 404)


@pytest.mark.parametrize("method", ["POST", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_offered_is_405_and_names_those_that_are(ada: Person, method: str) -> None:
    answer = ada.client.open("/api/id", method=method)
    assert_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("status", sorted(default_exceptions))
def test_no_error_is_told_in_the_words_of_a_library(app: APIFlask, guest: FlaskClient, status: int) -> None:
    app.add_url_rule("/api/raised", view_func=lambda: abort(status))
    answer = guest.get("/api/raised")
    assert_problem(answer, status)
    assert answer.json["message"] != default_exceptions[status].description
    assert re.fullmatch(r"[A-Z][^\n]*\.", answer.json["message"])


def test_an_unforeseen_error_tells_the_log_and_not_the_caller(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()

    def fail() -> None:
        raise RuntimeError("secret detail of /etc/passwd")

    app.view_functions["health.live"] = fail
    answer = app.test_client().get("/api/health/live")
    assert_problem(answer, 500)
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "secret detail" in capsys.readouterr().err


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["uid", "name", "password", "current_password", "email", "dob", "role", "id", "code", "access", "age"]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    request=st.sampled_from(
        [
            ("POST", "/api/authenticate"),
            ("POST", "/api/join/code"),
            ("POST", "/api/user"),
            ("PUT", "/api/user"),
            ("PATCH", "/api/users/"),
            ("DELETE", "/api/users/"),
        ]
    ),
    body=JSON_VALUES | st.dictionaries(FIELDS, JSON_VALUES, max_size=5),
)
def test_no_body_breaks_the_server(admin: Person, request: tuple[str, str], body: Any) -> None:
    method, path = request
    answer = admin.client.open(path, method=method, data=json.dumps(body), content_type="application/json")
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(token=st.text(st.characters(codec="latin-1", exclude_characters=';\r\n\x00 ,"\\'), max_size=200))
def test_no_cookie_breaks_the_guard(app: Any, token: str) -> None:
    client = app.test_client(use_cookies=False)
    answer = client.get("/api/id", headers={"Cookie": f"jwt={token}"})
    assert_problem(answer, 401)


BAD_NAMES = ["<b>", "a<", ">a", "<img src=x onerror=alert(1)>", "a\u202eb", "a\u2066b", "a\x07b", "a\x1b[31m"]
# Fillers, joiners, selectors and blanks that are no control or format characters.
INVISIBLE = "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0f\uffa0\U0001d159\U000e0100"
# With letters of Cyrillic and Greek that look like Latin ones, and with characters that nobody sees.
BAD_IDS = [
    *(".", "..", "...", "@", "a/da", "\u0430dmin", "adm\u0456n", "p\u0430yp\u0430l", "\u03b1da"),
    *("a\u200bda", "a\u200dda", "a\u00adda", "ada\u202e"),
    *(f"ada{character}" for character in INVISIBLE),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_way_in_takes_a_name_that_pages_would_run(
    make_app: MakeApp, make_person: MakePerson, admin: Person, name: str
) -> None:
    app = make_app(registration="open")
    ada = make_person("ada", of=app)
    person = {"uid": "eve", "name": name, "password": PASSWORD}
    answers = [
        app.test_client().post("/api/user", json=person),
        ada.client.put("/api/user", json={"name": name}),
        ada.client.put("/api/portfolio", json={"shown_name": name}),
        admin.client.post("/api/users/", json=[person]),
        admin.client.patch(f"/api/users/{ada.id}", json={"name": name}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
    roster = admin.client.post("/api/roster/", data=f'uid,name\neve,"{name}"\n', content_type="text/csv")
    assert roster.status_code == 422
    assert [user["uid"] for user in admin.client.get("/api/users/").json] == ["ada", "admin"]


@pytest.mark.parametrize("uid", [*BAD_IDS, "a da"])
def test_no_id_can_be_mistaken_for_another_or_for_a_path(ada: Person, uid: str) -> None:
    answer = ada.client.put("/api/user", json={"uid": uid})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/uid")


@pytest.mark.parametrize(
    "name", [*INVISIBLE, "\u200c\ufe0f", *(f"Ada{c}L" for c in "\u034f\u115f\u2800\u3164\uffa0")]
)
def test_nobody_has_a_name_that_cannot_be_seen(ada: Person, name: str) -> None:
    for path, body in (("/api/user", {"name": name}), ("/api/portfolio", {"shown_name": name})):
        assert ada.client.put(path, json=body).status_code == 422


@pytest.mark.parametrize("name", ["葛\U000e0100城 恵", "Ada ❤\ufe0f", "می\u200cخواهم", "ᠮᠣᠩᠭᠣᠯ\u180b"])
def test_what_shapes_the_letters_of_a_name_stays(ada: Person, name: str) -> None:
    assert ada.client.put("/api/user", json={"name": name}).json["name"] == name


@pytest.mark.parametrize("uid", ["ada.l", "ада", "李小龍", "ひらカタ漢abc", "홍길동a", "محمد", "z-1_@+x"])
def test_an_id_may_be_in_any_one_script(ada: Person, uid: str) -> None:
    assert ada.client.put("/api/user", json={"uid": uid}).status_code == 200
