"""How each action of docs/reference/permissions.md is asked for, by whoever asks."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from homeroom.auth.join_codes import current_code
from homeroom.auth.locking import lock_user
from homeroom.auth.models import Role
from homeroom.data.transactions import write_transaction
from tests.conftest import PASSWORD, MakePerson, Person
from tests.portfolio.test_projects import make, upload
from tests.uploads.files import encoded

NEW_PASSWORD = "another horse battery"
CSV = {"data": "uid,name\nnew,New\n", "content_type": "text/csv"}
# Who asks, in the order of the table's columns; the owner is the student whose thing it is.
CALLERS = ("guest", "pending", "student", "owner", "teacher", "admin")
# What somebody asks for is there, and not shown to them.
NOT_SHOWN = "–"


@cache
def png() -> bytes:
    return encoded("PNG", (64, 48))


@dataclass
class Scene:
    """One person who asks, and one student whose account, projects and pictures are asked about."""

    app: APIFlask
    make_person: MakePerson
    caller_kind: str

    def __post_init__(self) -> None:
        self.caller = self._make_caller()
        self.client: FlaskClient = self.caller.client if self.caller else self.app.test_client()

    @cached_property
    def owner(self) -> Person:
        return self._person("olga", email="olga@example.org")

    @cached_property
    def admin(self) -> Person:
        """An admin, whoever asks."""
        return self._person("root", role=Role.ADMIN)

    def _make_caller(self) -> Person | None:
        match self.caller_kind:
            case "guest":
                return None
            case "owner":
                return self.owner
            case "pending":
                return self._person("penny", pending=True)
            case "student":
                return self._person("sam")
        return self._person("staff", role={"teacher": Role.TEACHER, "admin": Role.ADMIN}[self.caller_kind])

    def _person(self, who: str, **fields: Any) -> Person:
        """Several scenes share a class: everybody's ID says whose scene they are of."""
        return self.make_person(f"{who}-{self.caller_kind}", **fields)

    def ask(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        return self.client.open(path, method=method, **kwargs)

    @property
    def self_uid(self) -> str:
        """The ID of whoever asks; a guest gives the owner's."""
        return (self.caller or self.owner).uid

    def waiting(self) -> Person:
        """An account that waits for admission; where its owner asks, they are the one."""
        fields = {"pending": True, "signed_in": self.caller_kind == "owner"}
        waiting = self._person("wanda", **fields)
        if self.caller_kind == "owner":
            self.client = waiting.client
        return waiting

    def invited(self) -> Person:
        return self._person("ivy", signed_in=False, password_hash=None)

    def code(self) -> str:
        invited = self.invited()
        with self.app.app_context(), write_transaction() as session:
            return current_code(session, lock_user(session, invited.id))

    def upload(self) -> int:
        """The id of an upload of the owner that nothing uses."""
        return upload(self.owner)

    def project(self, visibility: str, *, hidden: bool = False, **fields: Any) -> str:
        """The address of a project of the owner."""
        made = make(self.owner, self.owner.uid, visibility=visibility, **fields)
        path = f"/api/projects/{made['id']}"
        if hidden:
            assert self.admin.client.put(f"{path}/hidden", json={"reason": "No."}).status_code == 200
        return path

    def picture(self, visibility: str, *, hidden: bool = False) -> str:
        """The address of a picture of a project of the owner."""
        picture_id = self.upload()
        path = self.project(visibility, hidden=hidden, pictures=[{"id": picture_id}])
        return f"{path}/pictures/{picture_id}/card.webp"

    def portrait(self) -> str:
        answer = self.owner.client.put("/api/id/picture", data=png(), content_type="image/png")
        assert answer.status_code == 200, answer.json
        return answer.json["picture"]["webp"]

    def session_of_owner(self) -> str:
        return self.owner.client.get("/api/sessions").json[0]["id"]


Ask = Callable[[Scene], TestResponse | str]


def of_oneself(method: str, path: str, **kwargs: Any) -> Ask:
    """An action that needs nothing but somebody who asks."""
    return lambda scene: scene.ask(method, path, **kwargs)


def shown(answer: TestResponse, *, field: str) -> TestResponse | str:
    """The answer, unless it holds the field back."""
    return NOT_SHOWN if answer.status_code == 200 and answer.json.get(field) is None else answer


def _private(scene: Scene) -> TestResponse | str:
    return shown(scene.ask("GET", f"/api/users/{scene.owner.id}"), field="email")


def _author(scene: Scene) -> TestResponse | str:
    answer = scene.ask("GET", scene.project("public"))
    return shown(answer, field="author") if answer.json["author"].get("uid") else NOT_SHOWN


def _found(scene: Scene, address: str) -> TestResponse | str:
    answer = scene.ask("GET", address)
    return NOT_SHOWN if answer.status_code == 200 and answer.json == [] else answer


def _listed(visibility: str, *, hidden: bool = False) -> Ask:
    def ask(scene: Scene) -> TestResponse | str:
        scene.project(visibility, hidden=hidden)
        return _found(scene, f"/api/projects/?q={scene.owner.uid}")

    return ask


def _events(scene: Scene) -> TestResponse | str:
    project_id = int(scene.project("draft").rpartition("/")[2])
    answer = scene.ask("GET", "/api/activity")
    if answer.status_code != 200:
        return answer
    told = {event["project"]["id"] for event in answer.json if event["project"]}
    return answer if project_id in told else NOT_SHOWN


def _own_portrait(scene: Scene) -> TestResponse:
    if scene.caller is not None and scene.caller_kind != "pending":
        scene.ask("PUT", "/api/id/picture", data=png(), content_type="image/png")
    return scene.ask("GET", "/api/id/pfp")


def _sent_as_base64(scene: Scene) -> TestResponse:
    return scene.ask("PUT", "/api/id/pfp", json={"pfp": base64.b64encode(png()).decode()})


PASSWORD_ONCE_MORE = {"current_password": PASSWORD}

# The table's actions by their words; an action of several methods is asked for by each.
ACTIONS: dict[str, Ask] = {
    # Signing in
    "Sign in": lambda s: s.ask("POST", "/api/authenticate", json={"uid": s.self_uid, "password": PASSWORD}),
    "Sign in, at the other address": lambda s: s.ask(
        "POST", "/api/users/authenticate", json={"uid": s.self_uid, "password": PASSWORD}
    ),
    "Sign out": of_oneself("DELETE", "/api/authenticate"),
    "See whose join code it is": lambda s: s.ask("POST", "/api/join/code", json={"code": s.code()}),
    "Join with a code": lambda s: s.ask(
        "POST", "/api/join", json={"code": s.code(), "password": NEW_PASSWORD}
    ),
    "Confirm your password": of_oneself("POST", "/api/confirmation", json=PASSWORD_ONCE_MORE),
    "List your own sessions": of_oneself("GET", "/api/sessions"),
    "End all of your own sessions": of_oneself("DELETE", "/api/sessions"),
    "End one session of a student": lambda s: s.ask("DELETE", f"/api/sessions/{s.session_of_owner()}"),
    # People
    "See your session": of_oneself("GET", "/api/session"),
    "Read yourself": of_oneself("GET", "/api/id"),
    "Read yourself, at the other address": of_oneself("GET", "/api/user"),
    "List the class": of_oneself("GET", "/api/users/"),
    "Find a student": lambda s: _found(s, f"/api/users/?q={s.owner.uid}"),
    "Find an account that waits": lambda s: _found(s, f"/api/users/?q={s.waiting().uid}"),
    "Read a student": lambda s: s.ask("GET", f"/api/users/{s.owner.id}"),
    "Read a student's email address and date of birth": _private,
    "Read an account that waits": lambda s: s.ask("GET", f"/api/users/{s.waiting().id}"),
    "Sign up without a code": of_oneself(
        "POST", "/api/user", json={"uid": "new", "name": "New", "password": NEW_PASSWORD}
    ),
    "Sign up with a code": lambda s: s.ask(
        "POST", "/api/users/", json={"code": s.code(), "password": NEW_PASSWORD}
    ),
    "Make several accounts": of_oneself("POST", "/api/users/", json=[{"uid": "new", "name": "New"}]),
    "Change yourself": of_oneself("PUT", "/api/user", json={"name": "Other"}),
    "Change parts of yourself": of_oneself("PATCH", "/api/user", json={"name": "Other"}),
    "Change a student": lambda s: s.ask("PUT", f"/api/users/{s.owner.id}", json={"name": "Other"}),
    "Change parts of a student": lambda s: s.ask("PATCH", f"/api/users/{s.owner.id}", json={"name": "Other"}),
    "Change a student by ID": lambda s: s.ask(
        "PUT", "/api/users/", json={"uid": s.owner.uid, "name": "Other"}
    ),
    "Change parts of a student by ID": lambda s: s.ask(
        "PATCH", "/api/users/", json={"uid": s.owner.uid, "name": "Other"}
    ),
    "Give a student another role": lambda s: s.ask(
        "PATCH", f"/api/users/{s.owner.id}", json={"role": "Teacher"}
    ),
    "Give a student another ID": lambda s: s.ask(
        "PATCH", f"/api/users/{s.owner.id}", json={"uid": f"{s.owner.uid}-2"}
    ),
    "Set a student's password": lambda s: s.ask(
        "PATCH", f"/api/users/{s.owner.id}", json={"password": NEW_PASSWORD, "current_password": PASSWORD}
    ),
    # Not the last admin.
    "Delete yourself": lambda s: (s.admin, s.ask("DELETE", "/api/user", json=PASSWORD_ONCE_MORE))[1],
    "Delete a student": lambda s: s.ask("DELETE", f"/api/users/{s.owner.id}", json=PASSWORD_ONCE_MORE),
    "Delete a student by ID": lambda s: s.ask("DELETE", "/api/users/", json={"uid": s.owner.uid}),
    "Give a student a new join code": lambda s: s.ask("POST", f"/api/users/{s.owner.id}/join-code"),
    "Admit an account that waits": lambda s: s.ask("POST", f"/api/users/{s.waiting().id}/admission"),
    # Your own data
    "Download all of your own data": of_oneself("GET", "/api/id/export", buffered=True),
    "See your own picture": _own_portrait,
    "Set your own picture": of_oneself("PUT", "/api/id/picture", data=png(), content_type="image/png"),
    "Set your own picture in base64": _sent_as_base64,
    "Remove your own picture": of_oneself("DELETE", "/api/id/picture"),
    "Remove your own picture, at the other address": of_oneself("DELETE", "/api/id/pfp"),
    "See a student's picture": lambda s: s.ask("GET", s.portrait()),
    # Uploads
    "Send a picture": of_oneself("POST", "/api/uploads/", data=png(), content_type="image/png"),
    "See how much room your pictures take": of_oneself("GET", "/api/uploads/usage"),
    "See a student's unused upload": lambda s: s.ask("GET", f"/api/uploads/{s.upload()}/card.webp"),
    "Delete a student's unused upload": lambda s: s.ask("DELETE", f"/api/uploads/{s.upload()}"),
    # Projects
    "List projects": of_oneself("GET", "/api/projects/"),
    "Find a public project": _listed("public"),
    "Find a project for the class": _listed("class"),
    "Find a draft": _listed("draft"),
    "Find a hidden project": _listed("public", hidden=True),
    "Find a public project by its author's ID": lambda s: (
        s.project("public"),
        _found(s, f"/api/projects/?uid={s.owner.uid}"),
    )[1],
    "Read a public project": lambda s: s.ask("GET", s.project("public")),
    "Read a project for the class": lambda s: s.ask("GET", s.project("class")),
    "Read a draft": lambda s: s.ask("GET", s.project("draft")),
    "Read a hidden project": lambda s: s.ask("GET", s.project("public", hidden=True)),
    "Read the name and ID of a public project's author": _author,
    "See a picture of a public project": lambda s: s.ask("GET", s.picture("public")),
    "See a picture of a project for the class": lambda s: s.ask("GET", s.picture("class")),
    "See a picture of a draft": lambda s: s.ask("GET", s.picture("draft")),
    "See a picture of a hidden project": lambda s: s.ask("GET", s.picture("public", hidden=True)),
    "Make a project": of_oneself("POST", "/api/projects/", json={"title": "Mine"}),
    "Preview a text": of_oneself("POST", "/api/projects/preview", json={"body": "*text*"}),
    "Change a project": lambda s: s.ask("PUT", s.project("public"), json={"title": "Other"}),
    "Change parts of a project": lambda s: s.ask("PATCH", s.project("public"), json={"title": "Other"}),
    "Make a project a draft": lambda s: s.ask("PATCH", s.project("public"), json={"visibility": "draft"}),
    "Put an unused upload of a student into their project": lambda s: s.ask(
        "PATCH", s.project("public"), json={"pictures": [{"id": s.upload()}]}
    ),
    "Delete a project": lambda s: s.ask("DELETE", s.project("public")),
    "Hide a project": lambda s: s.ask("PUT", f"{s.project('public')}/hidden", json={"reason": "No."}),
    "Show a hidden project again": lambda s: s.ask("DELETE", f"{s.project('public', hidden=True)}/hidden"),
    # Portfolios
    "Read the portfolio of a student with public work": lambda s: (
        s.project("public"),
        s.owner.client.put("/api/portfolio", json={"shown_name": "Olga O."}),
        s.ask("GET", f"/api/portfolio/{s.owner.uid}"),
    )[-1],
    "Read the portfolio of a student without public work": lambda s: s.ask(
        "GET", f"/api/portfolio/{s.owner.uid}"
    ),
    "Read the portfolio of an account that waits": lambda s: s.ask(
        "GET", f"/api/portfolio/{s.waiting().uid}"
    ),
    "Change your own portfolio": of_oneself("PUT", "/api/portfolio", json={"about": "Me."}),
    # The class
    "Import a class list": of_oneself("POST", "/api/roster/", **CSV),
    "Read the join codes": of_oneself("GET", "/api/roster/codes"),
    "Make the join codes": of_oneself("POST", "/api/roster/codes"),
    "See the class at a glance": of_oneself("GET", "/api/overview"),
    "See what happened recently": of_oneself("GET", "/api/activity"),
    "See that a student made a draft": _events,
    # Everything else
    "Be greeted (the example of a resource)": of_oneself("GET", "/api/greeting/"),
    "Ask whether the server lives": of_oneself("GET", "/api/health/live"),
    "Ask whether the server can serve": of_oneself("GET", "/api/health/ready"),
    "Read the API's description": of_oneself("GET", "/api/openapi.json"),
    "Look at the API's documentation": of_oneself("GET", "/api/docs"),
    "Open a page": of_oneself("GET", "/"),
    "Open a page in a folder": of_oneself("GET", "/users/"),
}
