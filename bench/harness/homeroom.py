"""Homeroom as its users start it: `homeroom serve` over a database with a class in it."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from harness.people import PASSWORD, Person
from harness.processes import Service, ServiceFailedError, free_port, running
from homeroom.app import create_app
from homeroom.auth.models import Role, User
from homeroom.auth.passwords import hash_password
from homeroom.cli.threads import THREADS_PER_WORKER
from homeroom.config import Config, load_config
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction

LIST = "/api/users/"
READY = "/api/health/ready"
CORES = os.cpu_count() or 1
# The setting that switches the read path off, where this version has one.
HAS_READ_PATH = "read_path" in Config.model_fields
WITHOUT_READ_PATH = {"READ_PATH": "off"}


def prepare(folder: Path, people: Sequence[Person] = (), *, database_url: str = "") -> dict[str, str]:
    """A migrated database with these people in it; the settings of a server over it."""
    settings = {
        "INSTANCE_PATH": str(folder),
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": database_url,
    }
    _clear_environment()
    command = [sys.executable, "-m", "homeroom", "db", "upgrade"]
    subprocess.run(command, env=os.environ | settings, check=True, capture_output=True)
    _insert(settings, people)
    return settings


def _clear_environment() -> None:
    """Settings of whoever runs the bench are not those that are measured."""
    for name in Config.model_fields:
        os.environ.pop(name.upper(), None)


def _insert(settings: Mapping[str, str], people: Sequence[Person]) -> None:
    app = create_app(load_config(**{name.lower(): value for name, value in settings.items()}))
    hashed = hash_password(PASSWORD)
    with app.app_context():
        with write_transaction() as session:
            for person in people:
                user = User(role=Role(person.role), dob=person.dob, password_hash=hashed)
                user.rename(name=person.name, uid=person.uid)
                session.add(user)
        db.engine.dispose()


@contextmanager
def homeroom(
    settings: Mapping[str, str],
    *,
    workers: int | None = None,
    name: str = "Homeroom",
    caller: str | None = None,
    python: str = sys.executable,
) -> Iterator[Service]:
    """`homeroom serve` with as many workers as it chooses itself, and a student signed in if one is named.

    Raises:
        ServiceFailedError: it did not start, or refused the caller.
    """
    port = free_port()
    command = [python, "-m", "homeroom", "serve", "--port", str(port)]
    if workers is not None:
        command += ["--workers", str(workers)]
    with running(name, command, port=port, ready_path=READY, env=settings) as (address, process):
        yield Service(name, address, process, LIST, caller_headers(address, caller))


@contextmanager
def homeroom_on_gunicorn(settings: Mapping[str, str], *, workers: int, caller: str) -> Iterator[Service]:
    """The same program under the lesson's server.

    Raises:
        ServiceFailedError: it did not start, or refused the caller.
    """
    name, port = "Homeroom on gunicorn", free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    command += ["--workers", str(workers), "--threads", str(THREADS_PER_WORKER), "homeroom.wsgi:app"]
    with running(name, command, port=port, ready_path=READY, env=settings) as (address, process):
        yield Service(name, address, process, LIST, caller_headers(address, caller))


def caller_headers(address: str, uid: str | None) -> dict[str, str]:
    """The cookie of someone who signs in, as a header."""
    return {} if uid is None else {"Cookie": f"jwt={sign_in(address, uid)}"}


def sign_in(address: str, uid: str) -> str:
    """The token of someone who signs in with the password that all have.

    Raises:
        ServiceFailedError: they may not.
    """
    body = {"uid": uid, "password": PASSWORD}
    answer = requests.post(f"{address}/api/authenticate", json=body, timeout=60)
    if not answer.ok:
        raise ServiceFailedError(f"{uid} may not sign in: {answer.status_code} {answer.text[:200]}")
    return str(answer.cookies["jwt"])
