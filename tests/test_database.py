"""The database: how it is opened, the one way to write, and migrations with rows in the tables."""

import sqlite3
import stat
from pathlib import Path

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import insert, select, text

from homeroom.auth.hashing import MAX_HASHES_WAITING
from homeroom.auth.models import User
from homeroom.cli.serve import THREADS_PER_WORKER
from homeroom.db import WRITES, WRITES_NOT_DURABLY, WriteOutsideTransactionError, db, write_transaction
from tests.conftest import MakeApp, MakePerson, Person

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


def test_migrations_lead_to_the_models_and_back_with_rows_in_the_tables(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        db.session.remove()
        flask_migrate.check()
        flask_migrate.downgrade(revision="base")
        flask_migrate.upgrade()
        flask_migrate.check()
        assert db.session.scalars(select(User)).all() == []


def test_a_pool_has_a_connection_for_every_thread_that_does_not_wait_for_a_hash(app: APIFlask) -> None:
    with app.app_context():
        pool = db.engine.pool
        assert pool.size() + pool._max_overflow >= THREADS_PER_WORKER - MAX_HASHES_WAITING
