"""What clients can fill has a bound, holds to it, and is on the page that says so."""

import re
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from homeroom.auth import last_use, tokens
from homeroom.auth.models import UserSession
from homeroom.auth.tokens import Claims, TokenVerifier, issue_token
from homeroom.data.database import db
from homeroom.web import read_path
from homeroom.web.incoming import FILE_PATHS, MAX_JSON_BYTES
from tests.conftest import KEY, PASSWORD, MakeApp, Person

SOURCE = Path(read_path.__file__).parents[1]
PAGE = Path(__file__).parents[1] / "docs/explanation/bounds.md"


def test_every_cache_of_the_program_is_on_the_page() -> None:
    page = PAGE.read_text()
    caching = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"@lru_cache|^MAX_(KEPT|TOKENS_REM|NOTES|HASHES)", path.read_text(), re.MULTILINE)
    }
    assert caching
    assert [path for path in sorted(caching) if f"`{path}`" not in page] == []
    unbounded = [path for path in SOURCE.rglob("*.py") if "lru_cache(maxsize=None)" in path.read_text()]
    assert unbounded == []


def test_every_bound_that_the_page_names_is_there() -> None:
    source = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    named = set(re.findall(r"`(_?[A-Z][A-Z_]+)`", PAGE.read_text()))
    settings = {name for name in named if name.lower() in source}
    assert (
        sorted(name for name in named - settings if not re.search(rf"^{name}\b", source, re.MULTILINE)) == []
    )


def test_a_student_who_asks_in_ever_new_ways_fills_no_more_than_the_bound(
    make_app: MakeApp, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest of everything that is kept: keys, tags, answers."""
    monkeypatch.setattr(read_path, "MAX_KEPT_BYTES", 500_000)
    client = make_client(make_app(read_path=True), ada)
    # What is compiled once, statements above all, is no answer that is kept.
    client.get("/api/users/?q=aa%20bb")
    client.get("/api/users/?q=b")
    tracemalloc.start()
    try:
        for number in range(1400):
            query = f"q={number:06d}" + "b" * 180
            tag = f'"{number:06d}' + "a" * 180 + '"'
            answer = client.get(f"/api/users/?{query}", headers={"If-None-Match": tag})
            assert answer.status_code == 200
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # At most 1.6 MB are held; without the bound 4.2 MB on SQLite, 3.8 on PostgreSQL.
    assert held < 2_000_000


def make_client(app: APIFlask, person: Person) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("jwt", person.client.get_cookie("jwt").value)
    return client


def test_kept_sessions_and_tokens_begin_anew_when_there_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS_REMEMBERED", 50)
    verifier = TokenVerifier([KEY])
    until = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
    for number in range(1, 500):
        claims = Claims(number, f"{number:032x}", until)
        assert verifier.verify(issue_token(claims, key=KEY, issued_at=datetime.now(UTC))) == claims
        assert len(verifier._remembered) <= 50


def test_uses_that_cannot_be_written_do_not_pile_up(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_use, "MAX_NOTES", 50)
    app = make_app()
    uses = last_use.LastUses(app)
    for number in range(500):
        uses.note(f"{number:032x}", datetime.now(UTC))
        assert len(uses._waiting) <= 50
    uses.close()
    assert not uses._waiting


def test_one_person_has_so_many_sessions_and_the_oldest_go(
    app: APIFlask, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeroom.auth.sessions.MAX_SESSIONS", 5)
    clients = [app.test_client() for _ in range(8)]
    for client in clients:
        body = {"uid": "ada", "password": PASSWORD}
        assert client.post("/api/authenticate", json=body).status_code == 200
    assert [client.get("/api/id").status_code for client in clients] == [401] * 3 + [200] * 5
    with app.app_context():
        assert db.session.query(UserSession).count() == 5


def test_json_has_a_megabyte_and_files_have_their_room(app: APIFlask, ada: Person) -> None:
    body = b'{"pfp": "' + b"a" * MAX_JSON_BYTES + b'"}'
    writing = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods & {"POST", "PUT", "PATCH"}
        if rule.rule.startswith("/api/") and not rule.arguments
    }
    for method, path in sorted(writing):
        answer = ada.client.open(path, method=method, data=body, content_type="application/json")
        if path.rstrip("/") in FILE_PATHS:
            assert answer.status_code != 413, path
        elif answer.status_code not in (403, 200):
            assert answer.status_code == 413, (method, path)
