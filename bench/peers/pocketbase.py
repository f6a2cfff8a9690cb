"""PocketBase, set up by its own command line and API, with the class in it in two ways.

*Users*: the class are its accounts, the collection `users`, listed with the fields that Homeroom shows. This
is what the directory would be in PocketBase. *A plain collection*: the same rows beside the accounts, whole;
the quickest list it has. `dob` is hidden in both, and records hold an age: PocketBase computes none.

Lists name their fields and leave out the total, as its documentation advises for speed.
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
from peers.pocketbase_collections import pictures, plain_members, projects, users_as_a_class

RECORDS = "/api/collections/{}/records"
USER_FIELDS = "fields=id,name,uid,age,role,access,picture"
USERS_LIST = f"{RECORDS.format('users')}?perPage=100&skipTotal=1&{USER_FIELDS}"
PLAIN_LIST = f"{RECORDS.format('members')}?perPage=100&skipTotal=1"
STAFF = "staff@example.org"
# PocketBase opens SQLite with synchronous=NORMAL and has no setting for it. Its hooks reach the one
# connection that writes; that one is closed after three idle minutes, and so is told again each minute.
_DURABLE = """
onBootstrap((e) => { e.next(); e.app.nonconcurrentDB().newQuery("PRAGMA synchronous = FULL").execute() })
cronAdd("durable", "* * * * *", () => {
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous = FULL").execute()
})
routerAdd("GET", "/synchronous", (e) => {
  const row = new DynamicModel({ synchronous: 0 })
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous").one(row)
  return e.json(200, row)
})
"""
_FULL = 2


@contextmanager
def pocketbase(folder: Path, *, durable: bool = False) -> Iterator[tuple[Service, Service]]:
    """A running PocketBase, as the service of its users and as that of a plain collection.

    Args:
        durable: an answered write is on the disk, as in Homeroom; by default it is as PocketBase ships.

    Raises:
        ServiceFailedError: it did not start, or refused to be set up.
    """
    port, data, hooks = free_port(), str(folder / "pocketbase"), folder / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    if durable:
        (hooks / "durable.pb.js").write_text(_DURABLE, encoding="utf-8")
    program = str(Path(sys.executable).parent / "pocketbase")
    _run(program, "superuser", "upsert", STAFF, PASSWORD, "--dir", data)
    command = [program, "serve", f"--http=127.0.0.1:{port}", "--dir", data, "--hooksDir", str(hooks)]
    with running("PocketBase", command, port=port, ready_path="/api/health") as (address, process):
        if durable and send("GET", f"{address}/synchronous") != {"synchronous": _FULL}:
            raise ServiceFailedError("PocketBase did not take synchronous=FULL")
        people = make_class()
        _fill(address, sign_in(address, STAFF, "_superusers"), people)
        headers = {"Authorization": sign_in(address, people[-1].uid)}
        users = Service("PocketBase", address, process, USERS_LIST, headers)
        yield users, replace(users, name="PocketBase, plain collection", path=PLAIN_LIST)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise ServiceFailedError(f"{Path(command[0]).name} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise ServiceFailedError(f"{' '.join(command[1:3])} failed: {last_line(done.stderr)}")


def sign_in(address: str, identity: str, collection: str = "users") -> str:
    """The token of somebody who signs in."""
    body = {"identity": identity, "password": PASSWORD}
    told = send("POST", f"{address}/api/collections/{collection}/auth-with-password", body)
    token: str = told["token"]
    return token


def _fill(address: str, token: str, people: tuple[Person, ...]) -> None:
    collections = f"{address}/api/collections"
    users = send("GET", f"{collections}/users", token=token)
    send("PATCH", f"{collections}/users", users_as_a_class(users), token)
    send("POST", collections, plain_members(), token)
    made = send("POST", collections, pictures(users["id"]), token)
    send("POST", collections, projects(users["id"], made["id"]), token)

    def add(person: Person) -> None:
        send("POST", address + RECORDS.format("users"), account(person), token)
        send("POST", address + RECORDS.format("members"), row(person), token)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, people))


def row(person: Person) -> dict[str, Any]:
    """A person as a record."""
    age = age_on(person.dob, datetime.now(UTC).date())
    told = {"name": person.name, "uid": person.uid, "age": age, "role": person.role}
    return told | {"access": ["ro"], "picture": "", "dob": person.dob.isoformat()}


def account(person: Person) -> dict[str, Any]:
    """The same as an account."""
    secret = {"email": f"{person.uid}@example.org", "password": PASSWORD, "passwordConfirm": PASSWORD}
    return row(person) | secret


def send(method: str, url: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
    """The answer to a request.

    Raises:
        ServiceFailedError: it is an error.
    """
    answer = requests.request(method, url, json=body, headers={"Authorization": token}, timeout=30)
    if not answer.ok:
        raise ServiceFailedError(f"PocketBase refused {url}: {answer.status_code} {answer.text[:200]}")
    told: dict[str, Any] = answer.json() if answer.content else {}
    return told
