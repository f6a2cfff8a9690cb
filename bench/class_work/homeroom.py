"""Homeroom: the class with its projects and pictures, and how each operation is asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from class_work.material import (
    ADMIN,
    ARTIST,
    CALLER,
    CALLERS,
    LEAVER,
    PEOPLE,
    PICTURES,
    UIDS,
    photograph_files,
    photographs,
    project,
    project_json,
)
from class_work.operations import Operation, Side, Work, lists_and_renames, one
from harness.homeroom import LIST, caller_headers
from harness.load import Request
from harness.mixtures import JSON, renames
from harness.nginx import from_address, from_many_addresses
from harness.people import PASSWORD
from harness.processes import Service, ServiceFailedError
from harness.sequences import Step

JPEG = {"Content-Type": "image/jpeg"}
Headers = Mapping[str, str]
# Of sequences, which are fewer a second; each address has its turn seldom enough for Nginx.
_MIN_ADDRESSES = 96


def homeroom_side(service: Service, folder: Path, page: Sequence[str]) -> Side:
    """A running Homeroom with its people in it, which gets their projects first.

    Args:
        page: the paths that a browser asks for when it opens the users page.

    Raises:
        ServiceFailedError: something was answered wrong.
    """
    people = {person.uid: caller_headers(service.address, person.uid) for person in PEOPLE}
    artwork = fill(service, people)
    caller, admin = people[CALLER.uid], people[ADMIN.uid]
    callers = [people[person.uid] for person in CALLERS]
    reads, writes = [Request(LIST, headers) for headers in callers], renames(callers)
    other = requests.get(service.address + LIST, headers=dict(caller), timeout=30).json()[0]["id"]
    picture = artwork["pictures"][0]["urls"]["page"]["original"]
    works = {
        **lists_and_renames(service, reads, writes, UIDS),
        Operation.ONE_USER: one(service, Request(f"{LIST}{other}", caller)),
        Operation.SESSIONS: one(service, Request("/api/sessions", caller)),
        Operation.USER: Work(sequences=[_made_user(admin)]),
        Operation.PROJECTS: one(service, Request("/api/projects/?limit=24", caller)),
        Operation.ONE_PROJECT: one(service, Request(f"/api/projects/{artwork['id']}", caller)),
        Operation.PROJECT: Work(sequences=[_made_project(headers) for headers in callers]),
        Operation.UPLOAD: Work(sequences=_uploads(callers, folder)),
        Operation.DOWNLOAD: one(service, Request(picture, caller)),
        Operation.SIGN_IN: Work(sequences=sign_ins()),
        Operation.REFUSAL: one(service, Request(LIST, _ended(service), status=401)),
    }
    if page:
        # As a browser says it.
        browser = {**caller, "Accept-Encoding": "gzip, deflate, br"}
        works[Operation.USERS_PAGE] = Work(sequences=[[Step(path, browser) for path in page]])
    return Side(service, works)


def through_nginx(side: Side, service: Service) -> Side:
    """The same works, asked through Nginx and from many addresses."""

    def spread(work: Work) -> Work:
        sequences = [
            [from_address(step, number) for step in work.sequences[number % len(work.sequences)]]
            for number in range(max(_MIN_ADDRESSES, len(work.sequences)) if work.sequences else 0)
        ]
        return replace(work, requests=from_many_addresses(list(work.requests)), sequences=sequences)

    return Side(service, {operation: spread(work) for operation, work in side.works.items()}, side.absent)


def fill(service: Service, people: Mapping[str, Headers]) -> dict[str, Any]:
    """Give everybody a project; the one with pictures."""
    for uid, headers in people.items():
        _post(service, "/api/projects/", headers, project(f"A weather station of {uid}"))
    artist, ids = people[ARTIST.uid], []
    for data in photographs()[:PICTURES]:
        address = f"{service.address}/api/uploads/"
        answer = requests.post(address, data=data, headers={**artist, **JPEG}, timeout=60)
        ids.append(_told(answer)["id"])
    pictures = [{"id": number, "alt": "A mast with three sensors"} for number in ids]
    return _post(service, "/api/projects/", artist, project("A mast") | {"pictures": pictures})


def _post(service: Service, path: str, headers: Headers, body: dict[str, Any]) -> dict[str, Any]:
    return _told(requests.post(service.address + path, json=body, headers=dict(headers), timeout=60))


def _told(answer: requests.Response) -> dict[str, Any]:
    if not answer.ok:
        raise ServiceFailedError(f"Homeroom refused {answer.url}: {answer.status_code} {answer.text[:200]}")
    told: dict[str, Any] = answer.json()
    return told


def _ended(service: Service) -> Headers:
    """The cookie of a session that was signed out."""
    headers = caller_headers(service.address, LEAVER.uid)
    _told(requests.delete(f"{service.address}/api/authenticate", headers=headers, timeout=30))
    return headers


def sign_ins() -> list[list[Step]]:
    """Everybody signs in."""
    bodies = [json.dumps({"uid": person.uid, "password": PASSWORD}) for person in PEOPLE]
    return [[Step("/api/authenticate", JSON, "POST", body)] for body in bodies]


def _made_user(admin: Headers) -> list[Step]:
    body = json.dumps({"uid": "{unique}", "name": "New Person", "password": PASSWORD})
    return [
        Step(LIST, {**admin, **JSON}, "POST", body, 201, keep={"id": '"id": ?(%d+)'}),
        Step(LIST + "{id}", admin, "DELETE"),
    ]


def _made_project(headers: Headers) -> list[Step]:
    body = project_json("A wind turbine")
    return [
        Step("/api/projects/", {**headers, **JSON}, "POST", body, 201, keep={"id": '"id": ?(%d+)'}),
        Step("/api/projects/{id}", headers, "DELETE"),
    ]


def _uploads(callers: Sequence[Headers], folder: Path) -> list[list[Step]]:
    files = photograph_files(folder)
    return [
        [Step("/api/uploads/", {**headers, **JPEG}, "POST", status=201, file=files[number % len(files)])]
        for number, headers in enumerate(callers)
    ]
