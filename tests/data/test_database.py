"""The database: how it is opened, the one way to write, and migrations with rows in the tables."""

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, NullPool, create_engine, event, insert, select, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from homeroom.auth.locking import lock_user
from homeroom.auth.models import AttemptCount, User
from homeroom.data import pool_pings
from homeroom.data.database import WRITES, WRITES_NOT_DURABLY, WriteOutsideTransactionError, db
from homeroom.data.transactions import side_transaction, write_transaction
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite_only
def test_sqlite_is_opened_durable_and_with_enforced_keys(app: APIFlask) -> None:
    with app.app_context():
        pragmas = {
            name: db.session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 10_000}


@sqlite_only
def test_synchronous_is_a_setting(make_app: MakeApp) -> None:
    app = make_app(sqlite_synchronous="NORMAL")
    with app.app_context():
        assert db.session.execute(text("PRAGMA synchronous")).scalar() == 1


@sqlite_only
def test_a_count_of_guesses_does_not_wait_for_the_disk_and_everything_else_does(app: APIFlask) -> None:
    with app.app_context():
        for options, synchronous in ((WRITES_NOT_DURABLY, 1), (WRITES, 2), (WRITES_NOT_DURABLY, 1)):
            with db.engine.connect().execution_options(**options) as connection:
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
        with write_transaction() as session:
            assert session.execute(text("PRAGMA synchronous")).scalar() == 2


@sqlite_only
def test_a_writing_unit_locks_before_it_reads(app: APIFlask, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "homeroom.db", timeout=0)
    with app.app_context(), write_transaction() as session:
        session.scalars(select(User)).all()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO attempt_counts VALUES ('a', 1, 1)")
    other.execute("INSERT INTO attempt_counts VALUES ('a', 1, 1)")
    other.close()


def test_the_database_file_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from homeroom.app import create_app

    app = create_app()
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    (path,) = (tmp_path / "instance").glob("homeroom.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_writing_outside_a_write_transaction_is_an_error(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        user = db.session.get(User, ada.id)
        user.rename(name="Eve")
        with pytest.raises(WriteOutsideTransactionError):
            db.session.commit()
        db.session.rollback()
        with pytest.raises(WriteOutsideTransactionError):
            db.session.execute(insert(User).values(uid="x"))
        db.session.rollback()
        assert db.session.get(User, ada.id).name == "Ada Lovelace"


def test_a_unit_that_fails_leaves_nothing(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        with pytest.raises(ZeroDivisionError), write_transaction() as session:
            session.get_one(User, ada.id).rename(name="Eve")
            session.flush()
            raise ZeroDivisionError
        assert db.session.get(User, ada.id).name == "Ada Lovelace"


def test_ids_are_never_given_out_twice(make_person: MakePerson, admin: Person) -> None:
    ada = make_person("ada", signed_in=False)
    admin.client.delete(f"/api/users/{ada.id}")
    assert make_person("ada", signed_in=False).id > ada.id


@pytest.mark.migrates
def test_migrations_lead_to_the_models_and_back_with_rows_in_the_tables(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        db.session.remove()
        flask_migrate.check()
        flask_migrate.downgrade(revision="base")
        flask_migrate.upgrade()
        flask_migrate.check()
        assert db.session.scalars(select(User)).all() == []


def test_a_unit_inside_another_one_is_refused_and_the_first_goes_on(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        with write_transaction() as session:
            session.get_one(User, ada.id).rename(name="Eve")
            with (
                pytest.raises(WriteOutsideTransactionError, match="pass its session on"),
                write_transaction(),
            ):
                raise AssertionError("it must not begin")
            with pytest.raises(WriteOutsideTransactionError, match="pass its session on"), side_transaction():
                raise AssertionError("it must not begin")
        assert db.session.get(User, ada.id).name == "Eve"


@pytest.mark.parametrize("change", ["add", "change", "delete"])
def test_a_unit_that_would_drop_an_earlier_change_is_refused(app: APIFlask, ada: Person, change: str) -> None:
    with app.app_context():
        user = db.session.get(User, ada.id)
        if change == "add":
            db.session.add(AttemptCount(key="k", count=1, expires_at=1))
        elif change == "change":
            user.rename(name="Eve")
        else:
            db.session.delete(user)
        with pytest.raises(WriteOutsideTransactionError, match="before the unit began"), write_transaction():
            raise AssertionError("it must not begin")
        db.session.rollback()


def test_waiting_writers_hold_no_connection_that_a_reader_needs(make_app: MakeApp, ada: Person) -> None:
    app = make_app(database_connections=4, read_path=False)
    clients = [app.test_client() for _ in range(12)]
    for client in clients:
        client.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD})
    busy, done = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context(), write_transaction() as session:
            lock_user(session, ada.id)
            busy.set()
            assert done.wait(60)

    with ThreadPoolExecutor(16) as pool:
        holder = pool.submit(hold)
        assert busy.wait(60)
        writers = [pool.submit(client.put, "/api/user", json={"name": "Eve"}) for client in clients[:3]]
        try:
            assert {client.get("/api/id").status_code for client in clients[3:]} == {200}
        finally:
            done.set()
        holder.result()
        assert {writer.result().status_code for writer in writers} == {200}


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        ("UPDATE users SET id = id", 503, "Nothing can be saved"),
        ("SELECT 1 FROM no_such_table", 503, "needs an upgrade"),
        ("SELECT no_such_column FROM users", 503, "needs an upgrade"),
        ("SELEC 1", 500, "Something went wrong on the server"),
    ],
)
def test_each_trouble_of_the_database_is_told_as_what_it_is(
    make_app: MakeApp, error: str, status: int, word: str
) -> None:
    app = make_app(read_path=False)
    app.add_url_rule("/api/trouble", view_func=lambda: str(db.session.execute(text(error))))
    with app.app_context():
        sqlite = db.engine.dialect.name == "sqlite"
        # Outside a unit, PostgreSQL has a transaction for each statement.
        read_only = "PRAGMA query_only = ON" if sqlite else "SET default_transaction_read_only = on"

        @event.listens_for(db.engine, "begin")
        def forbid_writing(connection: Connection) -> None:
            connection.exec_driver_sql(read_only)

    answer = app.test_client().get("/api/trouble")
    assert answer.status_code == status
    assert word in answer.json["detail"]
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_a_pool_without_a_free_connection_is_busy(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeroom.data.database.POOL_TIMEOUT_S", 0.05)
    app = make_app(database_connections=4, read_path=False)
    with app.app_context():
        held = [db.engine.connect() for _ in range(4)]
    answer = app.test_client().get("/api/projects/")
    for connection in held:
        connection.close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_answer_is_given_though_the_connection_is_lost_after_it_was_made(make_app: MakeApp) -> None:
    app = make_app(read_path=False)

    def made() -> str:
        backend = db.session.scalar(text("SELECT pg_backend_pid()"))
        with create_engine(db.engine.url, poolclass=NullPool).connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        return "made"

    app.add_url_rule("/api/made", view_func=made)
    client = app.test_client()
    assert (client.get("/api/made").status_code, client.get("/api/projects/").status_code) == (200, 200)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_connections_that_the_server_has_ended_are_replaced_before_they_are_used(make_app: MakeApp) -> None:
    app = make_app(read_path=False)
    client = app.test_client()
    for _ in range(3):
        assert client.get("/api/projects/").status_code == 200
        with app.app_context(), create_engine(db.engine.url, poolclass=NullPool).connect() as other:
            ended = other.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            assert {was_ended for (was_ended,) in ended} == {True}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_in_use_is_not_asked_whether_it_lives(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(read_path=False)
    client = app.test_client()
    asked: list[bool] = []
    with app.app_context():
        ping = db.engine.dialect.do_ping
        monkeypatch.setattr(db.engine.dialect, "do_ping", lambda it: asked.append(True) or ping(it))
    for patience_s, pings in ((60, 0), (0, 1)):
        asked.clear()
        monkeypatch.setattr(pool_pings, "PING_AFTER_S", patience_s)
        client.get("/api/projects/")
        asked.clear()
        assert client.get("/api/projects/").status_code == 200
        assert len(asked) >= pings if pings else not asked


def test_a_damaged_database_is_told_as_one(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "zeroed.db"
    path.write_bytes(bytes(8192))
    answer = make_app(database_url=f"sqlite:///{path}").test_client().get("/api/projects/")
    assert (answer.status_code, "restore a backup" in answer.json["detail"]) == (503, True)


@pytest.mark.migrates
def test_a_migration_cleans_names_that_pages_would_run_and_the_database_refuses_them_after(
    app: APIFlask, make_person: MakePerson, ada: Person
) -> None:
    make_person("eve", signed_in=False)
    bad = {ada.id: "<img src=x onerror=alert(1)>", ada.id + 1: "\u202e\u0007"}
    with app.app_context():
        db.session.remove()
        flask_migrate.downgrade(revision="0005")
        with db.engine.begin() as connection:
            for user_id, name in bad.items():
                named = {"id": user_id, "name": name}
                connection.execute(text("UPDATE users SET name = :name WHERE id = :id"), named)
        with capture_logs() as logs:
            flask_migrate.upgrade()
        names = dict(db.session.execute(select(User.id, User.name)).all())
        assert names == {ada.id: "‹img src=x onerror=alert(1)›", ada.id + 1: "eve"}
        assert [entry["cleaned"] for entry in logs if "cleaned" in entry] == [2]
        db.session.remove()
        for change in ("UPDATE users SET name = 'a<b'", "UPDATE users SET name = name || '>'"):
            with pytest.raises(IntegrityError), db.engine.begin() as connection:
                connection.execute(text(change))
