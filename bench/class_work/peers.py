"""FastAPI and the lesson's way: what their users write in a few lines, and how it is asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from class_work.material import ADMIN, CALLER, CALLERS, PEOPLE, UIDS
from class_work.operations import Operation, Side, Work, lists_and_renames, one
from harness.load import Request
from harness.mixtures import JSON, name_changes
from harness.people import PASSWORD
from harness.processes import Service
from harness.sequences import Step
from peers.services import LIST

_NO_PORTFOLIO = "a service of a few lines has none"
ABSENT = {
    Operation.SESSIONS: "it keeps no sessions",
    Operation.REFUSAL: "its tokens can't be ended before they expire",
    **dict.fromkeys(
        (
            Operation.PROJECTS,
            Operation.ONE_PROJECT,
            Operation.PROJECT,
            Operation.UPLOAD,
            Operation.DOWNLOAD,
            Operation.USERS_PAGE,
        ),
        _NO_PORTFOLIO,
    ),
}


def fastapi_side(service: Service) -> Side:
    """FastAPI with its people in it."""

    def sign_in(uid: str) -> Step:
        body = json.dumps({"username": uid, "password": PASSWORD})
        return Step("/login/access-token", JSON, "POST", body)

    def headers(uid: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {_answer(service, sign_in(uid)).json()['access_token']}"}

    people = {person.uid: headers(person.uid) for person in (ADMIN, *CALLERS)}
    changes = [Request("/api/users/me", people[person.uid], "PATCH") for person in CALLERS]
    return _side(service, people, changes, [sign_in(person.uid) for person in PEOPLE])


def lesson_side(service: Service) -> Side:
    """The lesson's way with its people in it."""

    def sign_in(uid: str) -> Step:
        return Step(f"{LIST}authenticate", JSON, "POST", json.dumps({"uid": uid, "password": PASSWORD}))

    def headers(uid: str) -> Mapping[str, str]:
        return {"Cookie": f"jwt={_answer(service, sign_in(uid)).cookies['jwt']}"}

    people = {person.uid: headers(person.uid) for person in (ADMIN, *CALLERS)}
    changes = [Request(f"{LIST}self", people[person.uid], "PUT") for person in CALLERS]
    return _side(service, people, changes, [sign_in(person.uid) for person in PEOPLE])


def _answer(service: Service, request: Request) -> requests.Response:
    answer = requests.post(
        service.address + request.path, data=request.body, headers=dict(request.headers), timeout=30
    )
    answer.raise_for_status()
    return answer


def _side(
    service: Service,
    people: Mapping[str, Mapping[str, str]],
    changes: Sequence[Request],
    sign_ins: Sequence[Step],
) -> Side:
    """What both have, and have alike."""
    caller, admin = people[CALLER.uid], people[ADMIN.uid]
    reads, writes = [Request(LIST, people[person.uid]) for person in CALLERS], name_changes(changes)
    rows: list[dict[str, Any]] = requests.get(service.url, headers=dict(service.headers), timeout=30).json()
    body = json.dumps({"uid": "{unique}", "name": "New Person", "password": PASSWORD})
    made_user = [
        Step(LIST, {**admin, **JSON}, "POST", body, 201, keep={"id": '"id": ?(%d+)'}),
        Step(LIST + "{id}", admin, "DELETE"),
    ]
    works = {
        **lists_and_renames(service, reads, writes, UIDS),
        Operation.ONE_USER: one(service, Request(f"{LIST}{rows[0]['id']}", caller)),
        Operation.USER: Work(sequences=[made_user]),
        Operation.SIGN_IN: Work(sequences=[[step] for step in sign_ins]),
    }
    return Side(service, works, ABSENT)
