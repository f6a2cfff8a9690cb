"""The read path gives what Flask would give, to the byte, and forgets it as soon as it may not be true."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from homeroom.auth.models import Role, User
from homeroom.data.transactions import write_transaction
from homeroom.web import read_path
from tests.conftest import MakeApp, MakePerson, Person

ORIGIN = "http://localhost:4100"
OWN_TO_EACH_REQUEST = ("Date", "Server-Timing", "X-Request-ID")


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    # At this level each answer from memory is logged, so that a test can tell.
    return make_app(log_level="DEBUG", read_path=True)


@pytest.fixture
def flask_alone(make_app: MakeApp, app: APIFlask) -> APIFlask:
    return make_app(log_level="DEBUG", read_path=False)


@pytest.fixture
def people(make_person: MakePerson) -> dict[str, Person]:
    make_person("newton", signed_in=False, password_hash=None, dob=date(2010, 2, 28))
    return {
        "student": make_person("ada", name="Ada Lovelace", dob=date(2009, 12, 10)),
        "teacher": make_person("grace", role=Role.TEACHER),
        "admin": make_person("alan", role=Role.ADMIN),
        "pending": make_person("eve", pending=True),
    }


def borrow_session(person: Person, other: APIFlask) -> FlaskClient:
    """The same browser, in front of another process."""
    client = other.test_client()
    cookie = person.client.get_cookie("jwt")
    assert cookie is not None
    client.set_cookie("jwt", cookie.value)
    return client


def whole(answer: TestResponse) -> tuple[str, list[tuple[str, str]], bytes]:
    """All of an answer, in order; of what belongs to one request, its form."""
    headers = [
        (name, re.sub(r"[0-9a-f]", "0", value) if name in OWN_TO_EACH_REQUEST else value)
        for name, value in answer.headers
    ]
    timing = re.compile(r"0+\.0")
    return answer.status, [(name, timing.sub("0.0", value)) for name, value in headers], answer.data


def from_memory(ask: Callable[[], TestResponse]) -> tuple[bool, TestResponse]:
    with capture_logs() as lines:
        answer = ask()
    events = [line["event"] for line in lines]
    assert ("answered from memory" in events) != ("request" in events)
    return "answered from memory" in events, answer


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/api/users/", "/api/users", "/api/id", "/api/id/", "/api/user", "/api/user/"]
)
@pytest.mark.parametrize("who", ["student", "teacher", "admin", "pending"])
@pytest.mark.parametrize("headers", [{}, {"Origin": ORIGIN, "Accept-Encoding": "gzip, deflate, br"}])
def test_an_answer_from_memory_is_flasks_own(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person],
    method: str, path: str, who: str, headers: dict[str, str],
) -> None:  # fmt: skip
    client = people[who].client
    first, again = (from_memory(lambda: client.open(path, method=method, headers=headers)) for _ in range(2))
    plain = borrow_session(people[who], flask_alone).open(path, method=method, headers=headers)
    assert (first[0], again[0]) == (False, True)
    assert whole(again[1]) == whole(first[1]) == whole(plain)


@pytest.mark.parametrize("query", ["q=a", "limit=1", "sort=-uid&limit=2", "q=nobody", "q=%C3%A4"])
def test_each_question_has_its_own_answer(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person], query: str
) -> None:
    student = people["student"]
    student.client.get("/api/users/")
    url = f"/api/users/?{query}"
    student.client.get(url)
    remembered, answer = from_memory(lambda: student.client.get(url))
    assert remembered
    assert whole(answer) == whole(borrow_session(student, flask_alone).get(url))


def test_each_address_of_the_server_has_its_own_answer(app: APIFlask, people: dict[str, Person]) -> None:
    cookie = f"jwt={people['student'].client.get_cookie('jwt').value}"

    def next_page(host: str) -> str:
        client = app.test_client(use_cookies=False)
        return client.get("/api/users/?limit=1", headers={"Host": host, "Cookie": cookie}).headers["Link"]

    for _ in range(2):
        assert next_page("localhost:8086").startswith("<http://localhost:8086/api/users/?")
        # No proxy vouches for this one.
        assert next_page("class.test").startswith("</api/users/?")


def test_what_the_browser_has_is_not_sent_again(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person]
) -> None:
    student = people["student"]
    known = {"If-None-Match": student.client.get("/api/users/").headers["ETag"]}
    student.client.get("/api/users/", headers=known)
    remembered, answer = from_memory(lambda: student.client.get("/api/users/", headers=known))
    assert remembered
    assert answer.status_code == 304
    assert whole(answer) == whole(borrow_session(student, flask_alone).get("/api/users/", headers=known))


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("/api/users/?limit=0", {}),
        ("/api/users/", {"headers": {"Origin": "https://elsewhere.example"}}),
        ("/api/users/", {"headers": {"If-Match": '"x"'}}),
        ("/api/users/", {"data": b"{}"}),
        ("/api/users/1", {}),
        ("/api/users", {"method": "OPTIONS"}),
    ],
)
def test_what_is_unusual_is_left_to_flask(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person], url: str, options: dict[str, Any]
) -> None:
    student = people["student"]
    for _ in range(2):
        remembered, answer = from_memory(lambda: student.client.open(url, **options))
        assert not remembered
        assert whole(answer) == whole(borrow_session(student, flask_alone).open(url, **options))


def test_switched_off_everything_is_flasks(flask_alone: APIFlask, people: dict[str, Person]) -> None:
    client = borrow_session(people["student"], flask_alone)
    for _ in range(2):
        remembered, answer = from_memory(lambda: client.get("/api/users/"))
        assert not remembered
        assert answer.status_code == 200


@pytest.mark.parametrize("cookie", [None, "", "nonsense", "a.b.c", "x" * 2000, "\x80ÿ"])
def test_a_guest_is_refused_in_the_one_shape(
    app: APIFlask, flask_alone: APIFlask, cookie: str | None
) -> None:
    answers = []
    for each in (app, flask_alone):
        client = each.test_client()
        headers = {} if cookie is None else {"Cookie": f"jwt={cookie}"}
        answers.append(client.get("/api/users/", headers=headers))
    assert answers[0].status_code == 401
    assert whole(answers[0]) == whole(answers[1])


# What any process may do to the database, and what the very next answer must show.
def _rename(_app: APIFlask, target: User) -> None:
    target.rename(name="Renamed")


def _make_teacher(_app: APIFlask, target: User) -> None:
    target.role = Role.TEACHER


def _set_pending(_app: APIFlask, target: User) -> None:
    target.pending = True


@pytest.mark.parametrize("change", [_rename, _make_teacher, _set_pending])
def test_a_change_by_another_process_shows_in_the_next_answer(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person], change: Callable[[APIFlask, User], None]
) -> None:
    student = people["student"]
    for path in ("/api/users/", "/api/id"):
        student.client.get(path)
        assert from_memory(lambda path=path: student.client.get(path))[0]
    with flask_alone.app_context(), write_transaction() as session:
        change(flask_alone, session.get_one(User, student.id))
    for path in ("/api/users/", "/api/id"):
        remembered, answer = from_memory(lambda path=path: student.client.get(path))
        assert not remembered
        assert whole(answer) == whole(borrow_session(student, flask_alone).get(path))


def test_a_session_that_ended_elsewhere_is_refused_at_once(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person]
) -> None:
    student, client = people["student"], people["student"].client
    client.get("/api/users/")
    assert from_memory(lambda: client.get("/api/users/"))[0]
    assert borrow_session(student, flask_alone).delete("/api/authenticate").status_code == 200
    refused = client.get("/api/users/")
    assert (refused.status_code, refused.json["message"]) == (401, "Invalid Authentication token!")


def test_a_deleted_user_is_refused_at_once_and_gone_from_the_list(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person]
) -> None:
    student, teacher = people["student"], people["teacher"]
    for person in (student, teacher):
        person.client.get("/api/users/")
    admin = borrow_session(people["admin"], flask_alone)
    assert admin.delete(f"/api/users/{student.id}").status_code == 200
    assert student.client.get("/api/users/").status_code == 401
    assert "ada" not in {user["uid"] for user in teacher.client.get("/api/users/").json}


def test_nobody_gets_an_answer_that_was_made_for_another(app: APIFlask, people: dict[str, Person]) -> None:
    for _ in range(2):
        for person in people.values():
            assert person.client.get("/api/id").json["id"] == person.id
            for user in person.client.get("/api/users/").json:
                private = user["id"] == person.id or person is people["admin"]
                assert ("dob" in user) == private
                assert user["access"] == (["rw"] if private else ["ro"])


@pytest.fixture
def los_angeles(make_app: MakeApp) -> APIFlask:
    return make_app(log_level="DEBUG", read_path=True, time_zone="America/Los_Angeles")


# Half past eleven in the evening of 9 December, in Los Angeles.
EVENING = datetime(2025, 12, 10, 7, 30, tzinfo=UTC)


def test_an_age_turns_at_midnight_in_the_classs_time_zone(
    los_angeles: APIFlask, make_person: MakePerson
) -> None:
    with time_machine.travel(EVENING) as clock:
        ada = make_person("ada", of=los_angeles, dob=date(2009, 12, 10))
        ages = []
        for minutes in (0, 1, 27, 3, 1):
            clock.shift(timedelta(minutes=minutes))
            ages.append(ada.client.get("/api/id").json["age"])
    assert ages == [15, 15, 15, 16, 16]


def test_an_expired_session_is_refused_though_nothing_was_written(
    make_app: MakeApp, make_person: MakePerson
) -> None:
    short = make_app(log_level="DEBUG", read_path=True, token_lifetime_hours=0.05)
    with time_machine.travel(EVENING) as clock:
        ada = make_person("ada", of=short)
        ada.client.get("/api/id")
        assert from_memory(lambda: ada.client.get("/api/id"))[0]
        clock.shift(timedelta(minutes=2, seconds=58))
        assert ada.client.get("/api/id").status_code == 200
        clock.shift(timedelta(seconds=3))
        token = ada.client.get_cookie("jwt")
        headers = {} if token is None else {"Cookie": f"jwt={token.value}"}
        assert ada.client.get("/api/id", headers=headers).status_code == 401


def test_the_last_use_of_a_session_is_noted_all_the_same(app: APIFlask, make_person: MakePerson) -> None:
    with time_machine.travel(EVENING) as clock:
        ada = make_person("ada")
        for _ in range(14):
            assert ada.client.get("/api/id").status_code == 200
            clock.shift(timedelta(minutes=1))
        (session,) = ada.client.get("/api/sessions").json
    noted = datetime.fromisoformat(session["last_used_at"]) - EVENING
    assert timedelta(minutes=8) < noted <= timedelta(minutes=14)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("unknown=1", {}),
        ("_=1732690000", {}),
        ("q=" + "a" * 600, {}),
        ("", {"If-None-Match": '"' + "a" * 300 + '"'}),
        ("", {"Accept-Encoding": ", ".join(f"x{n}" for n in range(200))}),
        ("", {"Cookie": "a=" + "b" * 3000}),
    ],
)
def test_what_no_page_of_ours_sends_is_answered_and_not_kept(
    app: APIFlask, people: dict[str, Person], query: str, headers: dict[str, str]
) -> None:
    more = headers.get("Cookie", "a=b")
    cookies = {"Cookie": f"{more}; jwt={people['student'].client.get_cookie('jwt').value}"}
    client = app.test_client(use_cookies=False)
    ask = partial(client.get, f"/api/users/?{query}", headers=headers | cookies)
    assert [from_memory(ask)[0] for _ in range(2)] == [False, False]


def test_browsers_share_one_answer_in_each_encoding(app: APIFlask, people: dict[str, Person]) -> None:
    student = people["student"]
    accepted = ["gzip, deflate, br, zstd", "gzip, deflate", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"]
    answers = [
        from_memory(partial(student.client.get, "/api/users/", headers={"Accept-Encoding": one}))
        for one in accepted
    ]
    assert [remembered for remembered, _ in answers] == [False, True, True, True]
    plain = from_memory(partial(student.client.get, "/api/users/", headers={"Accept-Encoding": "br"}))
    assert plain[0] is False
    assert "Content-Encoding" not in plain[1].headers


def test_every_kept_byte_counts_and_the_bound_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_path, "MAX_KEPT_BYTES", 100_000)
    kept = read_path.KeptAnswers()
    generation = read_path.Generation(1, date(2026, 11, 27))
    for number in range(1000):
        question = (1, "GET", "/api/users/", f"q={number}" + "k" * 400)
        answer = read_path.Answer("200 OK", [("X-Long", "v" * 300)], b"b" * 1000)
        kept.put(generation, question, answer)
        held = sum(
            len(one.body) + sum(len(value) for _, value in one.headers) + len(str(asked[3]))
            for asked, one in kept._answers.items()
        )
        assert held <= 100_000
