"""CORS, CSRF and the cookie's flags: what a page elsewhere may do, and which cookie reaches it."""

import re
from http.cookies import SimpleCookie

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

PAGE = "http://localhost:4100"
GITHUB = "https://someone.github.io"
EVIL = "https://evil.example"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
# What pages send, and what one might.
ASKED_HEADERS = {"content-type", "x-origin", "cache-control", "pragma", "x-csrf-token", "x-of-the-page-1"}
PATHS = ("/api/users/", "/api/users", "/api/authenticate", "/api/id", "/api/users/7", "/api/no/such/path")


def preflight(client: FlaskClient, path: str, method: str, origin: str = PAGE):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ", ".join(ASKED_HEADERS),
    }
    return client.options(path, headers=headers)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_admits_every_method_and_header_of_the_contract(
    guest: FlaskClient, path: str, method: str
) -> None:
    answer = preflight(guest, path, method)
    assert 200 <= answer.status_code < 300
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert set(re.split(r",\s*", allowed)) == ASKED_HEADERS
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-MaxAge" not in answer.headers


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://localhost:4101", "http://localhost:4100.evil.example"]
)
def test_another_origin_is_never_reflected(guest: FlaskClient, ada: Person, origin: str) -> None:
    for answer in (
        preflight(guest, "/api/users/", "GET", origin),
        ada.client.get("/api/users/", headers={"Origin": origin}),
        ada.client.put("/api/user", json={}, headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_answers_errors_and_unknown_paths_can_be_read_by_an_admitted_page(
    ada: Person, guest: FlaskClient
) -> None:
    origin = {"Origin": PAGE}
    for answer, status in (
        (ada.client.get("/api/users/", headers=origin), 200),
        (guest.get("/api/users/", headers=origin), 401),
        (guest.get("/api/no/such/path", headers=origin), 404),
        (guest.put("/api/id", headers=origin), 405),
        (guest.post("/api/authenticate", data="{", headers=origin, content_type="application/json"), 400),
        (guest.post("/api/authenticate", data="{", headers=origin), 415),
    ):
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"ETag", "Link", "X-Total-Count", "X-Request-ID", "Retry-After"} <= set(exposed)


def test_an_origin_of_ones_own_is_admitted_by_the_setting(make_app: MakeApp) -> None:
    client = make_app(frontend_origins=f"{GITHUB}, https://class.example.org").test_client()
    answer = preflight(client, "/api/users/", "GET", GITHUB)
    assert answer.headers["Access-Control-Allow-Origin"] == GITHUB
    assert "Access-Control-Allow-Origin" not in preflight(client, "/api/users/", "GET").headers


UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://other.localhost", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:8086"},
    ],
)
def test_another_page_cannot_make_the_browser_write(
    ada: Person, method: str, headers: dict[str, str]
) -> None:
    answer = ada.client.open("/api/users/", method=method, json={"name": "Eve"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json["error"] == "Forbidden"
    assert ada.client.get("/api/id").json["name"] == "Ada Lovelace"


def test_a_form_of_another_page_cannot_sign_anyone_in(ada: Person, guest: FlaskClient) -> None:
    body = f'{{"uid": "ada", "password": "{PASSWORD}"}}'
    answer = guest.post("/api/authenticate", data=body, content_type="text/plain", headers={"Origin": EVIL})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PAGE},
        {"Origin": PAGE, "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:4100", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        # Behind a proxy that speaks TLS and does not say so, the browser's word still counts.
        {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_own_and_admitted_pages_write(ada: Person, headers: dict[str, str]) -> None:
    answer = ada.client.put("/api/user", json={"name": "Countess"}, headers=headers)
    assert answer.status_code == 200


def test_the_log_names_the_origin_and_the_setting(ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    ada.client.get("/api/users/", headers={"Origin": GITHUB})
    ada.client.put("/api/user", json={}, headers={"Origin": GITHUB})
    lines = [record.msg for record in caplog.records if record.msg["event"] == "origin not admitted"]
    assert [line["method"] for line in lines] == ["GET", "PUT"]
    for line in lines:
        assert line["origin"] == GITHUB
        named = line["remedy"].partition("FRONTEND_ORIGINS=")[2].split(",")
        assert {PAGE, "http://127.0.0.1:4100", GITHUB} <= set(named)


def cookie_of(make_app: MakeApp, make_person: MakePerson, base_url: str, headers: dict[str, str]) -> dict:
    app = make_app(frontend_origins=f"{PAGE},http://127.0.0.1:4100,{GITHUB}")
    make_person("ada", of=app, signed_in=False)
    answer = app.test_client().post(
        "/api/authenticate",
        json={"uid": "ada", "password": PASSWORD},
        base_url=base_url,
        headers=headers,
    )
    assert answer.status_code == 200
    header = answer.headers["Set-Cookie"]
    # Python 3.11's SimpleCookie does not know `Partitioned` yet.
    flags = SimpleCookie(header.replace("; Partitioned", ""))["jwt"]
    assert flags["path"] == "/"
    assert flags["httponly"] is True
    return {
        "secure": bool(flags["secure"]),
        "samesite": flags["samesite"],
        "partitioned": "Partitioned" in header,
    }


LAX = {"secure": False, "samesite": "Lax", "partitioned": False}
SECURE_LAX = LAX | {"secure": True}
THIRD_PARTY = {"secure": True, "samesite": "None", "partitioned": True}


@pytest.mark.parametrize(
    ("base_url", "headers", "flags"),
    [
        ("http://localhost:8086", {}, LAX),
        ("http://localhost:8086", {"Origin": "http://localhost:8086"}, LAX),
        ("http://localhost:8086", {"Origin": PAGE, "Sec-Fetch-Site": "same-site"}, LAX),
        ("http://localhost:8086", {"Origin": PAGE}, LAX),
        ("http://127.0.0.1:8086", {"Origin": "http://127.0.0.1:4100"}, LAX),
        ("http://127.0.0.1:8086", {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}, THIRD_PARTY),
        ("http://127.0.0.1:8086", {"Origin": PAGE}, THIRD_PARTY),
        ("http://localhost:8086", {"Origin": GITHUB, "Sec-Fetch-Site": "cross-site"}, THIRD_PARTY),
        ("https://class.example.org", {}, SECURE_LAX),
        ("https://class.example.org", {"Sec-Fetch-Site": "same-origin"}, SECURE_LAX),
        ("https://class.example.org", {"Origin": GITHUB, "Sec-Fetch-Site": "cross-site"}, THIRD_PARTY),
        ("https://class.example.org", {"Origin": GITHUB}, THIRD_PARTY),
        ("http://class.example.org", {}, SECURE_LAX),
    ],
)
def test_the_cookies_flags_follow_the_situation(
    make_app: MakeApp,
    make_person: MakePerson,
    base_url: str,
    headers: dict[str, str],
    flags: dict[str, object],
) -> None:
    assert cookie_of(make_app, make_person, base_url, headers) == flags


def test_signing_out_takes_back_the_cookie_that_was_set(make_app: MakeApp, make_person: MakePerson) -> None:
    app = make_app(frontend_origins=GITHUB)
    person = make_person("ada", of=app, signed_in=False)
    from_github = {"Origin": GITHUB, "Sec-Fetch-Site": "cross-site"}
    base_url = "https://class.example.org"
    assert person.sign_in(base_url=base_url, headers=from_github).status_code == 200
    answer = person.client.delete("/api/authenticate", base_url=base_url, headers=from_github)
    header = answer.headers["Set-Cookie"]
    assert "Max-Age=0" in header
    assert "Partitioned" in header, "a partitioned cookie is only replaced by a partitioned one"
    assert "SameSite=None" in header


def test_the_cookies_name_and_lifetime_are_settings(make_app: MakeApp, make_person: MakePerson) -> None:
    app = make_app(cookie_name="class_session", token_lifetime_hours=1)
    person = make_person("ada", of=app, signed_in=False)
    header = person.sign_in().headers["Set-Cookie"]
    assert header.startswith("class_session=")
    assert "Max-Age=3600" in header
    assert person.client.get("/api/id").status_code == 200


def test_a_proxys_word_counts_only_where_it_is_trusted(make_app: MakeApp, make_person: MakePerson) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    for count, secure in ((0, False), (1, True)):
        app = make_app(trusted_proxies=count)
        person = make_person(f"ada{count}", of=app, signed_in=False)
        header = person.sign_in(headers=forwarded).headers["Set-Cookie"]
        assert ("Secure" in header) is secure


@pytest.mark.parametrize(
    "origin", ["http://1:41000", "http://1:4100", "http://[::1]:41000", "http://::1:4100"]
)
def test_an_origin_is_compared_as_a_text_and_never_as_a_pattern(make_app: MakeApp, origin: str) -> None:
    client = make_app(frontend_origins="http://[::1]:4100").test_client()
    assert "Access-Control-Allow-Origin" not in preflight(client, "/api/id", "GET", origin).headers
    answer = client.get("/api/id", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert client.delete("/api/authenticate", headers={"Origin": origin}).status_code == 403
    own = client.get("/api/id", headers={"Origin": "http://[::1]:4100"})
    assert own.headers["Access-Control-Allow-Origin"] == "http://[::1]:4100"


HOSTS = [
    *("[::1", "[::1]:99999", "x:abc", "a@b", "a/b", "[zz]", "::1", "a,b", "[v1.x]", "[", "]", "%00"),
    *("xn--a", "xn--", "a..b", ".", "localhost", "[::1]", "a.b:1"),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("origin", [None, PAGE, EVIL, "http://[", "http://xn--a", "null"])
def test_no_host_and_no_origin_is_an_error_of_the_server(
    make_app: MakeApp, ada: Person, host: str, origin: str | None
) -> None:
    app = make_app(read_path=False)
    headers = {"Cookie": f"jwt={ada.client.get_cookie('jwt').value}"} | ({"Origin": origin} if origin else {})
    readable = host in ("localhost", "[::1]", "a.b:1")
    for method, path, body in (
        ("POST", "/api/authenticate", {"uid": "ada", "password": PASSWORD}),
        ("GET", "/api/users/", None),
        ("GET", "/nothing", None),
        ("GET", "/users/", None),
        ("PUT", "/api/user", {"name": "Ada"}),
    ):
        environ = EnvironBuilder(path=path, method=method, json=body, headers=headers).get_environ()
        environ["HTTP_HOST"] = host
        _, status, _ = run_wsgi_app(app, environ, buffered=True)
        assert status.startswith("400") is not readable, (method, path, status)
        assert not status.startswith("5")
