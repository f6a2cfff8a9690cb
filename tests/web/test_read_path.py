"""The read path gives what Flask would give, to the byte, and forgets it as soon as it may not be true."""

import itertools
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from homeroom.auth.models import Role, User
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.web.kept_answers import Answer, KeptAnswers
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person
from tests.portfolio.test_projects import make

ORIGIN = "http://localhost:4100"
UNTIL_ANY_COMMIT = ("/api/overview", "/api/sessions")
KEPT = (
    *("/api/users/", "/api/users/1", "/api/id", "/api/user", "/api/session"),
    *("/api/projects/", "/api/projects/1", "/api/projects/2", "/api/portfolio/ada", "/api/activity"),
    *UNTIL_ANY_COMMIT,
)
# Read as often as somebody likes, and never from memory.
NEVER_KEPT = {
    "/api/docs": "a page",
    "/api/docs/": "a page",
    "/api/greeting/": "an example for students to change",
    "/api/health/live": "says that this very process lives",
    "/api/health/ready": "looks at the database and the disk each time",
    "/api/id/export": "megabytes",
    "/api/id/pfp": "a picture",
    "/api/openapi.json": "made once in a process, by Flask",
    "/api/projects/<int:project_id>/pictures/<int:picture_id>/<rendition>.<extension>": "a picture",
    "/api/roster/codes": "secrets",
    "/api/uploads/<int:picture_id>/<rendition>.<extension>": "a picture",
    "/api/uploads/usage": "asked by those who are about to change it",
    "/api/users/<int:user_id>/picture/<rendition>.<extension>": "a picture",
}
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
    people = {
        "student": make_person("ada", name="Ada Lovelace", dob=date(2009, 12, 10)),
        "teacher": make_person("grace", role=Role.TEACHER),
        "admin": make_person("alan", role=Role.ADMIN),
        "pending": make_person("eve", pending=True),
    }
    # Of an author without a name for the public, whom guests hear of in their language.
    make(people["student"], "A weather station", visibility="public", tags=["sensors"])
    make(people["student"], "A tide clock", visibility="draft")
    return people


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


def is_sqlite(app: APIFlask) -> bool:
    with app.app_context():
        return db.engine.dialect.name == "sqlite"


def from_memory(ask: Callable[[], TestResponse]) -> tuple[bool, TestResponse]:
    with capture_logs() as lines:
        answer = ask()
    events = [line["event"] for line in lines]
    assert ("answered from memory" in events) != ("request" in events)
    return "answered from memory" in events, answer


@pytest.mark.parametrize("who", ["guest", "student", "teacher", "admin", "pending"])
@pytest.mark.parametrize(
    "headers", [{}, {"Origin": ORIGIN, "Accept-Encoding": "gzip, deflate, br", "Accept-Language": "es-MX"}]
)
def test_an_answer_from_memory_is_flasks_own(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person], who: str, headers: dict[str, str]
) -> None:
    client = people[who].client if who in people else app.test_client()
    alone = borrow_session(people[who], flask_alone) if who in people else flask_alone.test_client()
    for path, method in product([*KEPT, "/api/users", "/api/projects", "/api/id/"], ["GET", "HEAD"]):
        ask = partial(client.open, path, method=method, headers=headers)
        (new, first), (remembered, again) = from_memory(ask), from_memory(ask)
        plain = alone.open(path, method=method, headers=headers)
        # On PostgreSQL nothing tells that a table without a version has changed.
        may_be = plain.status_code == 200 and (path not in UNTIL_ANY_COMMIT or is_sqlite(app))
        assert (new, remembered) == (False, may_be), path
        assert whole(again) == whole(first) == whole(plain), path


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
        ("/api/greeting", {}),
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


def test_every_address_that_is_read_is_kept_or_has_a_reason_not_to_be(app: APIFlask) -> None:
    addresses = app.url_map.bind("localhost")
    kept = {addresses.match(path, return_rule=True)[0].rule for path in KEPT}
    rules = (rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()))
    read = {rule.rule for rule in rules if rule.rule.startswith("/api/")}
    assert kept | NEVER_KEPT.keys() == read
    assert not kept & NEVER_KEPT.keys()


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


@pytest.mark.parametrize("path", ["/api/projects/", "/api/projects/1", "/api/portfolio/ada", "/api/activity"])
def test_what_somebody_does_voids_the_answers_that_show_it_and_no_others(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person], path: str
) -> None:
    teacher, other = people["teacher"], borrow_session(people["student"], flask_alone)

    def is_kept() -> bool:
        remembered, answer = from_memory(lambda: teacher.client.get(path))
        assert whole(answer) == whole(borrow_session(teacher, flask_alone).get(path))
        return remembered

    is_kept()
    assert is_kept()
    # Somebody signs in, and works on a draft.
    assert people["student"].sign_in().status_code == 200
    other = borrow_session(people["student"], flask_alone)
    assert other.patch("/api/projects/2", json={"title": "A clock", "tags": ["sea"]}).status_code == 200
    assert is_kept()
    for method, url, body in (
        ("PATCH", "/api/projects/1", {"tags": ["rain"]}),
        ("PUT", "/api/portfolio", {"about": "I build things."}),
        ("PATCH", f"/api/users/{people['student'].id}", {"name": "Ada King"}),
        ("PATCH", "/api/projects/2", {"visibility": "class"}),
        ("DELETE", "/api/projects/2", None),
    ):
        assert other.open(url, method=method, json=body).status_code == 200
        assert [is_kept(), is_kept()] == [False, True], url


def test_ones_own_draft_is_as_one_left_it(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person]
) -> None:
    student, other = people["student"], borrow_session(people["student"], flask_alone)
    for number in range(3):
        assert other.patch("/api/projects/2", json={"title": f"Clock {number}"}).status_code == 200
        for path in ("/api/projects/2", "/api/projects/?sort=title"):
            answers = [from_memory(lambda path=path: student.client.get(path)) for _ in range(2)]
            assert [remembered for remembered, _ in answers] == [False, True]
            assert f"Clock {number}" in answers[1][1].text


def test_guests_read_in_their_language_from_memory(app: APIFlask, people: dict[str, Person]) -> None:
    heard = {}
    for language in ("en", "es", "es-MX,en;q=0.5", "de"):
        client = app.test_client()
        answer = client.get("/api/projects/", headers={"Accept-Language": language})
        heard[language] = answer.json[0]["author"]["name"], answer.headers["Content-Language"]
    assert heard["en"] == heard["de"] == ("A student", "en")
    assert heard["es"] == heard["es-MX,en;q=0.5"]
    assert heard["es"][1] == "es"
    chosen = app.test_client()
    chosen.set_cookie("lang", "es")
    remembered, answer = from_memory(lambda: chosen.get("/api/projects/", headers={"Accept-Language": "en"}))
    assert remembered
    assert answer.headers["Content-Language"] == "es"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sessions_are_told_apart_and_leave_the_list_when_they_expire(
    make_app: MakeApp, make_person: MakePerson
) -> None:
    short = make_app(log_level="DEBUG", read_path=True, token_lifetime_hours=0.05)
    with time_machine.travel(EVENING) as clock:
        first = make_person("ada", of=short)
        second = short.test_client()
        clock.shift(timedelta(minutes=1))
        credentials = {"uid": "ada", "password": PASSWORD}
        assert second.post("/api/authenticate", json=credentials).status_code == 200
        for client in (first.client, second):
            client.get("/api/sessions")
            remembered, answer = from_memory(lambda client=client: client.get("/api/sessions"))
            assert remembered
            assert [one["current"] for one in answer.json] == [client is second, client is not second]
        clock.shift(timedelta(minutes=2, seconds=1))
        assert [one["current"] for one in second.get("/api/sessions").json] == [True]


def test_the_last_answer_to_a_question_takes_the_place_of_the_one_before() -> None:
    kept = KeptAnswers(10_000)
    question = (1, "GET", "/api/id")
    for version in range(100):
        kept.put(question, (version,), Answer("200 OK", [], b"b" * 1000))
        assert kept.get(question, (version - 1,), EVENING) is None
        assert kept.get(question, (version,), EVENING) is not None
    assert len(kept._answers) == 1
    assert kept._bytes < 4000


def test_every_kept_byte_counts_and_the_bound_holds() -> None:
    kept = KeptAnswers(100_000)
    for number in range(1000):
        question = (1, "GET", "/api/users/", f"q={number}" + "k" * 400)
        kept.put(question, (1,), Answer("200 OK", [("X-Long", "v" * 300)], b"b" * 1000))
        held = sum(
            len(one.body) + sum(len(value) for _, value in one.headers) + len(str(asked[3]))
            for asked, (_, one) in kept._answers.items()
        )
        assert held <= 100_000


@pytest.mark.parametrize(("status", "times"), [("200 OK", 1), ("503 Service Unavailable", 12)])
def test_of_many_who_ask_the_same_at_once_one_is_answered_by_flask(
    app: APIFlask, people: dict[str, Person], monkeypatch: pytest.MonkeyPatch, status: str, times: int
) -> None:
    """After a write, a class that looks at one list would have it made as often as there are threads.

    What nobody could make, everybody asks for themselves.
    """
    asked, everybody_asks = itertools.count(), threading.Barrier(12)
    read_path = app.wsgi_app._flask  # type: ignore[attr-defined]
    flask = read_path._flask

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        next(asked)
        # Long enough for the others to come.
        time.sleep(0.5)
        return flask(environ, lambda _, headers: start_response(status, headers))

    monkeypatch.setattr(read_path, "_flask", answer)
    cookie = people["student"].client.get_cookie("jwt")

    def ask(_: int) -> tuple[str, bytes]:
        client = app.test_client(use_cookies=False)
        everybody_asks.wait()
        answer = client.get("/api/users/", headers={"Cookie": f"jwt={cookie.value}"})
        return answer.status, answer.data

    with ThreadPoolExecutor(12) as pool:
        ((answered, _),) = set(pool.map(ask, range(12)))
    assert (answered.upper(), next(asked)) == (status.upper(), times)


def test_refusals_are_given_again_for_the_same_reason_only(
    app: APIFlask, flask_alone: APIFlask, people: dict[str, Person]
) -> None:
    cookie = people["student"].client.get_cookie("jwt")
    assert cookie is not None
    assert people["student"].client.delete("/api/authenticate").status_code == 200
    tokens = {"ended": cookie.value, "broken": "a.b.c"}
    here, there = app.test_client(use_cookies=False), flask_alone.test_client(use_cookies=False)
    for _ in range(2):
        for path, token, language, origin in product(KEPT, tokens.values(), ("en", "es"), (None, ORIGIN)):
            headers = {"Cookie": f"jwt={token}", "Accept-Language": language}
            headers |= {} if origin is None else {"Origin": origin}
            assert whole(here.get(path, headers=headers)) == whole(there.get(path, headers=headers))
    ask = partial(here.get, "/api/users/", headers={"Cookie": f"jwt={tokens['ended']}"})
    assert from_memory(ask)[0]


def test_who_was_refused_is_let_in_with_a_new_session(app: APIFlask, people: dict[str, Person]) -> None:
    client = people["student"].client
    client.set_cookie("jwt", "a.b.c")
    assert [client.get("/api/users/").status_code for _ in range(2)] == [401, 401]
    assert people["student"].sign_in().status_code == 200
    assert client.get("/api/users/").status_code == 200
