"""Health, request ids, timings, and log lines that machines or people read."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import g
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, text

from homeroom.data.database import db
from homeroom.operations import health
from tests.conftest import MakeApp, MakePerson, Person


def test_a_living_process_says_so(guest: FlaskClient) -> None:
    answer = guest.get("/api/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_ready_asks_the_database(app: APIFlask, guest: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOOK_EVERY_S", 0)
    assert guest.get("/api/health/ready").status_code == 200
    with app.app_context(), db.engine.begin() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    try:
        answer = guest.get("/api/health/ready")
        assert answer.status_code == 503
        assert "homeroom db upgrade" in answer.json["message"]
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////nonexistent/folder/homeroom.db"]
)
def test_without_its_database_the_server_lives_but_is_not_ready(make_app: MakeApp, url: str) -> None:
    client = make_app(database_url=url).test_client()
    assert client.get("/api/health/live").status_code == 200
    assert client.get("/api/health/ready").status_code == 503
    answer = client.post("/api/authenticate", json={"uid": "ada", "password": "whatever"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.content_type == "application/problem+json"


def test_a_locked_database_is_busy_and_not_broken(
    make_app: MakeApp, ada: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database_url.startswith("sqlite"):
        return
    monkeypatch.setattr("homeroom.data.database.BUSY_TIMEOUT_MS", 50)
    impatient = make_app().test_client()
    impatient.set_cookie("jwt", ada.client.get_cookie("jwt").value)
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert impatient.get("/api/users/").status_code == 200, "reading goes on while someone writes"
    assert impatient.put("/api/user", json={"name": "X"}).status_code == 503
    other.execute("ROLLBACK")
    other.close()
    assert impatient.put("/api/user", json={"name": "X"}).status_code == 200


def test_every_answer_carries_its_id_and_timings(guest: FlaskClient) -> None:
    ids = set()
    for path in ("/api/id", "/api/health/live", "/", "/api/nowhere"):
        answer = guest.get(path, buffered=True)
        ids.add(answer.headers["X-Request-ID"])
        assert re.fullmatch(r"app;dur=[\d.]+, db;dur=[\d.]+", answer.headers["Server-Timing"])
    assert len(ids) == 4
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)


def test_the_databases_time_holds_fetching_and_committing(app: APIFlask) -> None:
    """SQLite finds rows while they are fetched; a commit waits for the disk."""
    with app.test_request_context():
        counting = "SELECT count(*) FROM (SELECT 1 UNION ALL SELECT 2) AS two"
        assert db.session.execute(text(counting)).scalar_one() == 2
        after_reading = g.database_seconds
        cursor = db.session.connection().connection.cursor()
        cursor.execute("SELECT 1 UNION ALL SELECT 2")
        assert cursor.fetchall() == [(1,), (2,)]
        after_fetching = g.database_seconds
        db.session.commit()
        assert 0 < after_reading < after_fetching < g.database_seconds


def test_an_id_from_outside_is_taken_from_a_trusted_proxy_only(make_app: MakeApp) -> None:
    given = {"X-Request-ID": "from-the-proxy-42"}
    bad = {"X-Request-ID": "x" * 65}
    untrusting, trusting = make_app().test_client(), make_app(trusted_proxies=1).test_client()
    assert untrusting.get("/api/id", headers=given).headers["X-Request-ID"] != "from-the-proxy-42"
    assert trusting.get("/api/id", headers=given).headers["X-Request-ID"] == "from-the-proxy-42"
    assert trusting.get("/api/id", headers=bad).headers["X-Request-ID"] != bad["X-Request-ID"]


_ASK_ONCE = """
from homeroom.app import create_app
create_app().test_client().get("/api/id", headers={"Origin": "https://someone.github.io"})
"""


@pytest.mark.parametrize("environment", ["production", "development"])
def test_logs_are_json_in_production_and_readable_otherwise(tmp_path: Path, environment: str) -> None:
    settings = {
        "HOMEROOM_ENV": environment,
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
        "LOG_LEVEL": "INFO",
        "INSTANCE_PATH": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", _ASK_ONCE],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    warned, asked = done.stderr.splitlines()
    if environment == "development":
        assert "origin not admitted" in warned
        assert "path=/api/id" in asked
        return
    first, second = json.loads(warned), json.loads(asked)
    assert first["origin"] == "https://someone.github.io"
    assert first["remedy"].endswith("https://someone.github.io")
    assert second["status"] == 401
    assert first["request_id"] == second["request_id"]


def test_no_password_id_or_code_is_logged(
    make_app: MakeApp, ada: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    client = make_app(log_level="DEBUG").test_client()
    client.post("/api/authenticate", json={"uid": "ada", "password": "secret password"})
    client.post("/api/join/code", json={"code": "SECR-ETCO-DE00"})
    client.get("/api/users/?q=secretname")
    text = capsys.readouterr().err
    assert "/api/authenticate" in text
    assert not any(secret in text for secret in ("secret password", "SECR-ETCO", "secretname"))


@pytest.fixture
def refused_sessions(app: APIFlask) -> Iterator[None]:
    """A database that takes no session, and says so in its own words."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            refuse = "CREATE TRIGGER refuse BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END"
            allow = "DROP TRIGGER refuse"
        else:
            refuse = "ALTER TABLE sessions ADD CONSTRAINT refuse CHECK (false) NOT VALID"
            allow = "ALTER TABLE sessions DROP CONSTRAINT refuse"
        with db.engine.begin() as connection:
            connection.execute(text(refuse))
        yield
        with db.engine.begin() as connection:
            connection.execute(text(allow))


@pytest.mark.parametrize("environment", ["production", "development"])
def test_an_unforeseen_error_is_logged_without_what_was_sent(
    make_app: MakeApp,
    make_person: MakePerson,
    refused_sessions: None,
    environment: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ada = make_person("ada", signed_in=False)
    client = make_app(homeroom_env=environment).test_client()
    credentials = {"uid": "ada", "password": ada.password}
    answer = client.post("/api/authenticate", json=credentials, headers={"User-Agent": "SecretPhone"})
    assert answer.status_code == 500
    logged = capsys.readouterr().err
    assert "unforeseen error" in logged
    assert "IntegrityError" in logged
    assert "sessions.py" in logged, "where it happened"
    assert ada.password not in logged
    assert "locals" not in logged
    if environment == "production":
        assert "SecretPhone" not in logged
        assert json.loads(logged.splitlines()[-1])["exception"][0]["exc_value"]


def test_tables_of_a_newer_version_can_be_served_from(app: APIFlask) -> None:
    """During an update both versions serve; a bad one that was taken back leaves its tables behind."""
    with app.app_context(), db.engine.begin() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = 'newer'"))
    try:
        assert app.test_client().get("/api/health/ready").status_code == 200
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})


def test_a_database_that_can_only_be_read_is_not_ready(make_app: MakeApp, app: APIFlask) -> None:
    sqlite = app.config["SQLALCHEMY_DATABASE_URI"].get_backend_name() == "sqlite"
    with app.app_context():
        read_only = "PRAGMA query_only = ON" if sqlite else "SET TRANSACTION READ ONLY"

        @event.listens_for(db.engine, "begin")
        def forbid_writing(connection: Connection) -> None:
            connection.exec_driver_sql(read_only)

    answer = app.test_client().get("/api/health/ready")
    assert (answer.status_code, "is read-only" in answer.json["detail"]) == (503, True)


def test_a_table_that_is_damaged_is_not_ready(make_app: MakeApp, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        return
    path = Path(database_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)
    answer = make_app().test_client().get("/api/health/ready")
    assert (answer.status_code, "restore" in answer.json["detail"]) == (503, True)


def test_many_who_ask_whether_it_is_ready_cost_one_look(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    monkeypatch.setattr(health, "_look", lambda *, writes: looks.append(writes))
    client = make_app().test_client()
    for now_s, times in ((100.0, 20), (101.5, 1), (111.0, 1)):
        monkeypatch.setattr(health.time, "monotonic", lambda now_s=now_s: now_s)
        assert {client.get("/api/health/ready").status_code for _ in range(times)} == {200}
    assert looks == [True, False, True]
