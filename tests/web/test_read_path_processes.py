"""Several processes, one database: no answer is ever stale, and none was made for someone else."""

import itertools
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
    run_state_machine_as_test,
)

from homeroom.auth.models import Role
from homeroom.portfolio.models import Visibility
from tests.conftest import PASSWORD, MakePerson
from tests.servers import Server, serving

ROLES = st.sampled_from(list(Role))
SERVERS = st.integers(0, 1)
VISIBILITIES = st.sampled_from(list(Visibility))
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12)


@dataclass
class Student:
    """What the test knows of a user."""

    id: int
    uid: str
    name: str
    role: Role = Role.USER
    deleted: bool = False


@dataclass
class Browser:
    """A session, and whether it ought to be alive."""

    student: Student
    cookies: dict[str, str]
    ended: bool = False

    @property
    def alive(self) -> bool:
        return not self.ended and not self.student.deleted


@dataclass
class Work:
    """A project, by whom, and what its author may still do with it."""

    id: int
    author: Browser


@dataclass
class Directory:
    """The users that are there, by id."""

    students: dict[int, Student] = field(default_factory=dict)

    def seen_by(self, viewer: Student) -> dict[int, tuple[Any, ...]]:
        shown = {}
        for student in self.students.values():
            private = viewer.id == student.id or viewer.role is Role.ADMIN
            access = ["rw"] if private else ["ro"]
            shown[student.id] = (student.uid, student.name, student.role.value, access, private)
        return shown


def as_seen(users: list[dict[str, Any]]) -> dict[int, tuple[Any, ...]]:
    return {
        user["id"]: (user["uid"], user["name"], user["role"], user["access"], "dob" in user) for user in users
    }


# What browsers ask for again and again, with something of each kind of route.
ASKED = (
    *("/api/users/", "/api/users/?q=s&sort=-uid", "/api/id", "/api/user", "/api/session", "/api/sessions"),
    *("/api/projects/", "/api/projects/?limit=2&sort=title", "/api/activity", "/api/overview"),
)


def without_own_address(answer: requests.Response) -> bytes:
    """What is in an answer, wherever it was asked."""
    return re.sub(rb"http://127.0.0.1:\d+", b"", answer.content)


class TwoProcesses(RuleBasedStateMachine):
    """Signs in and out, changes and deletes through either process, and looks through either.

    A third process answers everything by Flask alone: what it says is right.
    """

    servers: tuple[Server, Server]
    flask_alone: Server
    admin: Browser
    directory: Directory
    numbers = itertools.count()

    students = Bundle("students")
    browsers = Bundle("browsers")
    works = Bundle("works")

    def _ask(
        self, server: int, method: str, path: str, who: Browser | None, **kwargs: Any
    ) -> requests.Response:
        return self._send(self.servers[server], method, path, who, **kwargs)

    def _send(
        self, server: Server, method: str, path: str, who: Browser | None, **kwargs: Any
    ) -> requests.Response:
        cookies = who.cookies if who else None
        return requests.request(method, server.url(path), cookies=cookies, timeout=30, **kwargs)

    @initialize(target=students)
    def _begin(self) -> Student:
        self.opened: list[Browser] = []
        self.made: list[Work] = []
        # The students of the example before.
        for student_id in self.directory.students.keys() - {self.admin.student.id}:
            self._ask(0, "DELETE", f"/api/users/{student_id}", self.admin).raise_for_status()
            del self.directory.students[student_id]
        return self._make(0)

    def _make(self, server: int) -> Student:
        uid = f"student{next(self.numbers)}"
        body = {"uid": uid, "name": uid, "password": PASSWORD}
        made = self._ask(server, "POST", "/api/users/", self.admin, json=body)
        assert made.status_code == 201
        student = Student(made.json()["id"], uid, uid)
        self.directory.students[student.id] = student
        return student

    @rule(target=students, server=SERVERS)
    def make(self, server: int) -> Student:
        return self._make(server)

    @rule(target=browsers, student=students, server=SERVERS)
    def sign_in(self, student: Student, server: int) -> Browser:
        body = {"uid": student.uid, "password": PASSWORD}
        answer = self._ask(server, "POST", "/api/authenticate", None, json=body)
        assert answer.status_code == (401 if student.deleted else 200)
        browser = Browser(student, {"jwt": answer.cookies.get("jwt", "")}, ended=student.deleted)
        self.opened.append(browser)
        return browser

    @rule(browser=browsers, server=SERVERS)
    def sign_out(self, browser: Browser, server: int) -> None:
        assert self._ask(server, "DELETE", "/api/authenticate", browser).status_code == 200
        browser.ended = True

    @rule(student=students, name=NAMES, server=SERVERS)
    def rename(self, student: Student, name: str, server: int) -> None:
        self._change(student, server, {"name": name})

    @rule(student=students, role=ROLES, server=SERVERS)
    def change_role(self, student: Student, role: Role, server: int) -> None:
        self._change(student, server, {"role": role.value})

    def _change(self, student: Student, server: int, body: dict[str, str]) -> None:
        answer = self._ask(server, "PATCH", f"/api/users/{student.id}", self.admin, json=body)
        assert answer.status_code == (404 if student.deleted else 200)
        if not student.deleted:
            student.name, student.role = answer.json()["name"], Role(answer.json()["role"])

    @rule(student=consumes(students), server=SERVERS)
    def delete(self, student: Student, server: int) -> None:
        answer = self._ask(server, "DELETE", f"/api/users/{student.id}", self.admin)
        assert answer.status_code == (404 if student.deleted else 200)
        student.deleted = True
        self.directory.students.pop(student.id, None)

    @rule(
        target=works,
        author=browsers,
        visibility=VISIBILITIES,
        tags=st.lists(NAMES, max_size=2),
        server=SERVERS,
    )
    def make_project(self, author: Browser, visibility: Visibility, tags: list[str], server: int) -> Work:
        body = {"title": "A project", "visibility": visibility, "tags": tags}
        answer = self._ask(server, "POST", "/api/projects/", author, json=body)
        assert answer.status_code == (201 if author.alive else 401)
        work = Work(answer.json().get("id", 10**6), author)
        self.made.append(work)
        return work

    @rule(work=works, title=NAMES, visibility=VISIBILITIES, tags=st.lists(NAMES, max_size=2), server=SERVERS)
    def change_project(
        self, work: Work, title: str, visibility: Visibility, tags: list[str], server: int
    ) -> None:
        body = {"title": title, "visibility": visibility, "tags": tags}
        answer = self._ask(server, "PATCH", f"/api/projects/{work.id}", work.author, json=body)
        assert answer.status_code in ((200, 404) if work.author.alive else (401,))

    @rule(work=works, hidden=st.booleans(), server=SERVERS)
    def hide_project(self, work: Work, hidden: bool, server: int) -> None:
        method = "PUT" if hidden else "DELETE"
        body = {"json": {"reason": "An address."}} if hidden else {}
        answer = self._ask(server, method, f"/api/projects/{work.id}/hidden", self.admin, **body)
        assert answer.status_code in (200, 404)

    @rule(work=consumes(works), server=SERVERS)
    def delete_project(self, work: Work, server: int) -> None:
        answer = self._ask(server, "DELETE", f"/api/projects/{work.id}", work.author)
        assert answer.status_code in ((200, 404) if work.author.alive else (401,))

    @rule(author=browsers, name=NAMES, server=SERVERS)
    def show_a_name(self, author: Browser, name: str, server: int) -> None:
        answer = self._ask(server, "PUT", "/api/portfolio", author, json={"shown_name": name, "about": name})
        assert answer.status_code == (200 if author.alive else 401)

    @rule(server=SERVERS)
    def compare(self, server: int) -> None:
        """Everybody, and a guest, reads everything; what was answered before may be in memory."""
        people = [browser.student for browser in self.opened[-3:]]
        asked = [
            *ASKED,
            *(f"/api/projects/{work.id}" for work in self.made[-3:]),
            *(path for one in people for path in (f"/api/users/{one.id}", f"/api/portfolio/{one.uid}")),
        ]
        for browser in [None, self.admin, *self.opened[-3:]]:
            for path in asked:
                answer, right = (
                    self._send(one, "GET", path, browser) for one in (self.servers[server], self.flask_alone)
                )
                assert (answer.status_code, answer.headers.get("ETag")) == (
                    right.status_code,
                    right.headers.get("ETag"),
                ), path
                assert without_own_address(answer) == without_own_address(right), path

    @rule(server=SERVERS)
    def look(self, server: int) -> None:
        """Everyone who has signed in looks, one after the other, so that nobody gets another's answer."""
        for browser in [self.admin, *self.opened[-5:]]:
            users = self._ask(server, "GET", "/api/users/", browser)
            oneself = self._ask(server, "GET", "/api/id", browser)
            if not browser.alive:
                assert (users.status_code, oneself.status_code) == (401, 401)
                continue
            expected = self.directory.seen_by(browser.student)
            assert as_seen(users.json()) == expected
            assert users.headers["X-Total-Count"] == str(len(expected))
            assert as_seen([oneself.json()]) == {browser.student.id: expected[browser.student.id]}


@pytest.fixture
def flask_alone_server(server_settings: dict[str, str]) -> Iterator[Server]:
    with serving(server_settings | {"READ_PATH": "false"}) as server:
        yield server


def test_a_model_of_the_class_agrees_with_both_processes(
    two_servers: tuple[Server, Server], flask_alone_server: Server, make_person: MakePerson
) -> None:
    admin = make_person("admin", role=Role.ADMIN, signed_in=False)
    signed_in = requests.post(
        two_servers[0].url("/api/authenticate"), json={"uid": "admin", "password": PASSWORD}, timeout=30
    )
    knows = Student(admin.id, "admin", "Admin", Role.ADMIN)

    class Machine(TwoProcesses):
        servers = two_servers
        flask_alone = flask_alone_server
        admin = Browser(knows, {"jwt": signed_in.cookies["jwt"]})
        directory = Directory({knows.id: knows})

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_readers_never_see_what_was_true_before_an_acknowledged_write(
    two_servers: tuple[Server, Server], make_person: MakePerson
) -> None:
    ada = make_person("ada", signed_in=False)
    body = {"uid": "ada", "password": PASSWORD}
    token = requests.post(two_servers[0].url("/api/authenticate"), json=body, timeout=30).cookies["jwt"]
    acknowledged = 0
    finished = threading.Event()

    def write() -> None:
        nonlocal acknowledged
        with requests.Session() as session:
            for number in range(1, 201):
                answer = session.patch(
                    two_servers[number % 2].url(f"/api/users/{ada.id}"),
                    json={"name": f"Ada {number}"},
                    cookies={"jwt": token},
                    timeout=30,
                )
                assert answer.status_code == 200
                acknowledged = number
        finished.set()

    def read(server: Server) -> tuple[int, int]:
        asked = stale = 0
        with requests.Session() as session:
            while not finished.is_set():
                at_least = acknowledged
                (user,) = session.get(server.url("/api/users/"), cookies={"jwt": token}, timeout=30).json()
                asked += 1
                stale += int(user["name"].split()[-1].replace("Ada", "0")) < at_least
        return asked, stale

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read, server) for server in two_servers * 2]
        try:
            pool.submit(write).result()
        finally:
            finished.set()
        results = [reader.result() for reader in readers]
    assert sum(stale for _, stale in results) == 0
    assert sum(asked for asked, _ in results) > 200
