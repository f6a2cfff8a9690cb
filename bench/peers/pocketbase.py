"""PocketBase, set up by its own command line and API, with the class in it in two ways.

*Users*: the class are its accounts, the collection `users`, listed with the fields that Homeroom shows. This
is what the directory would be in PocketBase. *A plain collection*: the same rows beside the accounts, whole;
the quickest list it has. `dob` is hidden in both, and records hold an age: PocketBase computes none.
"""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from harness.people import PASSWORD, Person, age_on, make_class
from harness.processes import Service, ServiceFailedError, free_port, last_line, running

USERS_LIST = "/api/collections/users/records?perPage=100&fields=id,name,uid,age,role,access,picture"
PLAIN_LIST = "/api/collections/members/records?perPage=100"
STAFF = "staff@example.org"
SIGNED_IN = '@request.auth.id != ""'
FIELDS: tuple[dict[str, Any], ...] = (
    {"name": "name", "type": "text"},
    {"name": "uid", "type": "text"},
    {"name": "age", "type": "number"},
    {"name": "role", "type": "select", "values": ["User", "Teacher", "Admin"], "maxSelect": 1},
    {"name": "access", "type": "json"},
    {"name": "picture", "type": "text"},
    {"name": "dob", "type": "date", "hidden": True},
)


@contextmanager
def pocketbase(folder: Path) -> Iterator[tuple[Service, Service]]:
    """A running PocketBase, as the service of its users and as that of a plain collection.

    Raises:
        ServiceFailedError: it did not start, or refused to be set up.
    """
    port, data = free_port(), str(folder / "pocketbase")
    program = str(Path(sys.executable).parent / "pocketbase")
    _run(program, "superuser", "upsert", STAFF, PASSWORD, "--dir", data)
    command = [program, "serve", f"--http=127.0.0.1:{port}", "--dir", data]
    with running("PocketBase", command, port=port, ready_path="/api/health") as (address, process):
        people = make_class()
        _fill(address, _sign_in(address, "_superusers", STAFF), people)
        headers = {"Authorization": _sign_in(address, "users", _email(people[-1]))}
        users = Service("PocketBase", address, process, USERS_LIST, headers)
        yield users, replace(users, name="PocketBase, plain collection", path=PLAIN_LIST)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise ServiceFailedError(f"{Path(command[0]).name} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise ServiceFailedError(f"{' '.join(command[1:3])} failed: {last_line(done.stderr)}")


def _sign_in(address: str, collection: str, email: str) -> str:
    body = {"identity": email, "password": PASSWORD}
    told = _send("POST", f"{address}/api/collections/{collection}/auth-with-password", body)
    token: str = told["token"]
    return token


def _fill(address: str, token: str, people: tuple[Person, ...]) -> None:
    collections = f"{address}/api/collections"
    users = _send("GET", f"{collections}/users", token=token)
    # A new instance has accounts with a name and an avatar already.
    kept = [field for field in users["fields"] if field["name"] not in ("name", "avatar")]
    fields = [*kept, *FIELDS]
    _send("PATCH", f"{collections}/users", {"fields": fields, "listRule": SIGNED_IN}, token)
    plain = {"name": "members", "type": "base", "listRule": SIGNED_IN, "fields": list(FIELDS)}
    _send("POST", collections, plain, token)

    def add(person: Person) -> None:
        secret = {"email": _email(person), "password": PASSWORD, "passwordConfirm": PASSWORD}
        _send("POST", f"{collections}/users/records", _row(person) | secret, token)
        _send("POST", f"{collections}/members/records", _row(person), token)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, people))


def _row(person: Person) -> dict[str, Any]:
    age = age_on(person.dob, datetime.now(UTC).date())
    row = {"name": person.name, "uid": person.uid, "age": age, "role": person.role}
    return row | {"access": ["ro"], "picture": "", "dob": person.dob.isoformat()}


def _email(person: Person) -> str:
    return f"{person.uid}@example.org"


def _send(method: str, url: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
    answer = requests.request(method, url, json=body, headers={"Authorization": token}, timeout=30)
    if not answer.ok:
        raise ServiceFailedError(f"PocketBase refused {url}: {answer.status_code} {answer.text[:200]}")
    told: dict[str, Any] = answer.json()
    return told
