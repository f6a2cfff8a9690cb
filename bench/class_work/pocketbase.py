"""PocketBase: the class with its projects and pictures, and how each operation is asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    photographs,
    project,
    project_json,
)
from class_work.operations import Operation, Side, Work, lists_and_renames, one
from harness.load import Request
from harness.mixtures import JSON, name_changes
from harness.people import PASSWORD
from harness.processes import Service, ServiceFailedError
from harness.sequences import Step
from peers.pocketbase import RECORDS, USER_FIELDS, USERS_LIST, send, sign_in
from peers.pocketbase_collections import THUMBS

USERS, PROJECTS, PICTURE_RECORDS = (RECORDS.format(name) for name in ("users", "projects", "pictures"))
_PROJECT_FIELDS = "id,title,summary,visibility,tags,links,pictures,created,updated"
_LIST_PROJECTS = (
    f"{PROJECTS}?perPage=24&skipTotal=1&sort=-created&expand=owner,pictures&fields={_PROJECT_FIELDS},"
    "expand.owner.id,expand.owner.uid,expand.owner.name,expand.pictures.id,expand.pictures.file"
)
_BOUNDARY = "bench-boundary"
_MADE = {"id": '"id": ?"(%w+)"'}
ABSENT = {
    Operation.SESSIONS: "it keeps no sessions",
    Operation.USERS_PAGE: "it has no such page",
}


@dataclass(frozen=True)
class Member:
    """Somebody signed in: their record's id, and what they send."""

    id: str
    headers: Mapping[str, str]


def pocketbase_side(service: Service, folder: Path) -> Side:
    """A running PocketBase with its people in it, which gets their projects first.

    Raises:
        ServiceFailedError: something was answered wrong.
    """
    members = _members(service)
    made = _fill(service, members)
    caller, admin = members[CALLER.uid].headers, members[ADMIN.uid].headers
    callers = [members[person.uid] for person in CALLERS]
    reads = [Request(USERS_LIST, member.headers) for member in callers]
    writes = name_changes([Request(f"{USERS}/{one.id}", one.headers, "PATCH") for one in callers])
    view = Request(f"{USERS}/{members[ARTIST.uid].id}?{USER_FIELDS}", caller)
    works = {
        **lists_and_renames(service, reads, writes, UIDS),
        Operation.ONE_USER: one(service, view),
        Operation.USER: Work(sequences=[_made_user(admin)]),
        Operation.PROJECTS: one(service, Request(_LIST_PROJECTS, caller)),
        Operation.ONE_PROJECT: one(
            service, Request(f"{PROJECTS}/{made['id']}?expand=owner,pictures", caller)
        ),
        Operation.PROJECT: Work(sequences=[_made_project(member) for member in callers]),
        Operation.UPLOAD: Work(sequences=_uploads(service, callers, folder)),
        Operation.DOWNLOAD: one(service, Request(_picture(service, made, caller), caller)),
        Operation.SIGN_IN: Work(sequences=_sign_ins()),
        # Whoever isn't signed in gets an empty list.
        Operation.REFUSAL: one(service, Request(USERS_LIST, _ended(service, members[LEAVER.uid]))),
    }
    return Side(service, works, ABSENT)


def _members(service: Service) -> dict[str, Member]:
    rows = send("GET", service.url, token=service.headers["Authorization"])["items"]
    ids = {row["uid"]: row["id"] for row in rows}
    return {
        person.uid: Member(ids[person.uid], {"Authorization": sign_in(service.address, person.uid)})
        for person in PEOPLE
    }


def _fill(service: Service, members: Mapping[str, Member]) -> dict[str, Any]:
    """Give everybody a project; the one with pictures."""
    for uid, member in members.items():
        body = project(f"A weather station of {uid}") | {"owner": member.id}
        send("POST", service.address + PROJECTS, body, member.headers["Authorization"])
    artist = members[ARTIST.uid]
    ids = [_upload(service, artist, data) for data in photographs()[:PICTURES]]
    body = project("A mast") | {"owner": artist.id, "pictures": ids}
    return send("POST", service.address + PROJECTS, body, artist.headers["Authorization"])


def _upload(service: Service, member: Member, data: bytes) -> str:
    answer = requests.post(
        service.address + PICTURE_RECORDS,
        data=_form(member, data),
        headers={**member.headers, **_form_type()},
        timeout=60,
    )
    if not answer.ok:
        raise ServiceFailedError(f"PocketBase refused a picture: {answer.status_code} {answer.text[:200]}")
    record: str = answer.json()["id"]
    return record


def _form_type() -> dict[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def _form(member: Member, data: bytes) -> bytes:
    """The body of an upload, as a browser writes it."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="owner"\r\n\r\n{member.id}\r\n'
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _file_token(service: Service, headers: Mapping[str, str]) -> str:
    token: str = send("POST", f"{service.address}/api/files/token", token=headers["Authorization"])["token"]
    return token


def _picture(service: Service, made: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The path of a picture's largest size."""
    url = f"{service.address}{PICTURE_RECORDS}/{made['pictures'][0]}"
    record = send("GET", url, token=headers["Authorization"])
    token = _file_token(service, headers)
    return f"/api/files/pictures/{record['id']}/{record['file']}?thumb={THUMBS[-1]}&token={token}"


def _ended(service: Service, member: Member) -> Mapping[str, str]:
    """A token that was good until its owner set a password."""
    body = {"oldPassword": PASSWORD, "password": PASSWORD, "passwordConfirm": PASSWORD}
    send("PATCH", f"{service.address}{USERS}/{member.id}", body, member.headers["Authorization"])
    return member.headers


def _sign_ins() -> list[list[Step]]:
    bodies = [json.dumps({"identity": person.uid, "password": PASSWORD}) for person in PEOPLE]
    path = "/api/collections/users/auth-with-password"
    return [[Step(path, JSON, "POST", body)] for body in bodies]


def _made_user(admin: Mapping[str, str]) -> list[Step]:
    secret = {"email": "{unique}@example.org", "password": PASSWORD, "passwordConfirm": PASSWORD}
    body = json.dumps({"uid": "{unique}", "name": "New Person", "role": "User"} | secret)
    return [
        Step(USERS, {**admin, **JSON}, "POST", body, keep=_MADE),
        Step(USERS + "/{id}", admin, "DELETE", status=204),
    ]


def _made_project(member: Member) -> list[Step]:
    body = project_json("A wind turbine", owner=member.id)
    return [
        Step(PROJECTS, {**member.headers, **JSON}, "POST", body, keep=_MADE),
        Step(PROJECTS + "/{id}", member.headers, "DELETE", status=204),
    ]


def _uploads(service: Service, callers: Sequence[Member], folder: Path) -> list[list[Step]]:
    """An upload, and its three sizes: PocketBase makes each when it is asked for first."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, member in enumerate(callers):
        path = folder / f"{number}.form"
        path.write_bytes(_form(member, photographs()[number % len(photographs())]))
        token = _file_token(service, member.headers)
        keep = _MADE | {"file": '"file": ?"([^"]+)"'}
        headers = {**member.headers, **_form_type()}
        found.append(
            [
                Step(PICTURE_RECORDS, headers, "POST", file=str(path), keep=keep),
                *(
                    Step(f"/api/files/pictures/{{id}}/{{file}}?thumb={size}&token={token}", member.headers)
                    for size in THUMBS
                ),
            ]
        )
    return found
