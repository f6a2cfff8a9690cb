"""Passwords, sessions and join codes, with what each refuses."""

import statistics
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as BusyError
from werkzeug.security import generate_password_hash

from homeroom.auth import sessions
from homeroom.auth.hashing import MAX_HASHES_OF_ONE, MAX_HASHES_WAITING, HashQueue
from homeroom.auth.join_codes import current_code, issue_code
from homeroom.auth.limits import SIGN_IN_HERE
from homeroom.auth.models import JoinCode, User, UserSession
from homeroom.auth.passwords import hash_password
from homeroom.config import usable_cores
from homeroom.data.database import db
from homeroom.data.errors import Unavailable
from homeroom.data.transactions import write_transaction
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

GuestCode = Callable[[], str]
EASY_PASSWORDS = [
    *("password", "password1", "12345678", "123qwerty", "qwertyuiop", "iloveyou2", "aaaaaaaaaaaa"),
    *("grace.hopper", "123hopper", "HOPPER123", "gracehopper", "grace.hopper!!", "gracé.hôpper"),
    *("fortnite1", "contraseña", "Roblox123", "hopper hopper", "Hopper, Grace 12", "19121209"),
]
_DECOMPOSED = unicodedata.normalize("NFD", "pässwörter im café")


@cache
def _werkzeug(password: str) -> str:
    """A hash as older servers stored it, of a password as it was typed."""
    return generate_password_hash(password, method="pbkdf2:sha256:1000")


def test_the_id_may_be_written_in_any_case(ada: Person, guest: FlaskClient) -> None:
    answer = guest.post("/api/authenticate", json={"uid": " ADA".strip(), "password": PASSWORD})
    assert answer.status_code == 200


def test_unknown_users_and_wrong_passwords_get_the_same_answer(
    ada: Person, make_person: MakePerson, guest: FlaskClient
) -> None:
    make_person("invited", password_hash=None, signed_in=False)
    make_person("strange", password_hash="plain text", signed_in=False)
    make_person("absurd", password_hash="pbkdf2:sha256:99999999999$salt$00", signed_in=False)
    answers = [
        guest.post("/api/authenticate", json={"uid": uid, "password": "wrong password"})
        for uid in ("ada", "nobody", "invited", "strange", "absurd")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].json["message"] == "Wrong ID or password."
    assert not any("Set-Cookie" in answer.headers for answer in answers)


def test_unknown_users_and_wrong_passwords_take_the_same_time(ada: Person, app: APIFlask) -> None:
    def seconds(uid: str, address: str) -> float:
        client = app.test_client()
        begun = time.perf_counter()
        client.post(
            "/api/authenticate",
            json={"uid": uid, "password": "wrong password"},
            environ_base={"REMOTE_ADDR": address},
        )
        return time.perf_counter() - begun

    pairs = [(seconds("ada", f"10.0.0.{n}"), seconds("nobody", f"10.0.1.{n}")) for n in range(12)]
    ratio = statistics.median(known for known, _ in pairs) / statistics.median(
        unknown for _, unknown in pairs
    )
    # Without a hash for unknown users they would be answered ten times as fast.
    assert 0.4 < ratio < 2.5


@pytest.mark.parametrize(
    "method", ["pbkdf2:sha256", "pbkdf2:sha256:1000", "pbkdf2:sha1:1000", "scrypt", "scrypt:1024:8:1"]
)
def test_a_hash_of_the_lessons_kind_works_and_is_replaced(
    app: APIFlask, make_person: MakePerson, method: str
) -> None:
    old = generate_password_hash(PASSWORD, method)
    person = make_person("ada", password_hash=old, signed_in=False)
    assert person.sign_in("wrong password").status_code == 401
    assert _stored_hash(app, person) == old
    assert person.sign_in().status_code == 200
    assert _stored_hash(app, person).startswith("$argon2id$v=19$")
    assert person.sign_in().status_code == 200


@pytest.mark.parametrize("easy", ["123qwerty", "123ada", "password1", "short"])
def test_an_easy_password_of_another_server_opens_nothing_and_its_owner_needs_a_code(
    app: APIFlask, make_person: MakePerson, easy: str
) -> None:
    person = make_person("ada", password_hash=_werkzeug(easy), signed_in=False)
    assert person.sign_in("wrong password").status_code == 401
    refused = person.sign_in(easy)
    assert (
        refused.status_code,
        "Ask whoever runs the class site for a new join code" in refused.json["detail"],
    ) == (
        403,
        True,
    )
    assert "Set-Cookie" not in refused.headers
    assert _stored_hash(app, person) is None
    assert person.sign_in(easy).status_code == 401


def test_passwords_are_hashed_as_owasp_says() -> None:
    """In a process of its own: here hashing is made quick."""
    asked = "from homeroom.auth.passwords import hash_password as h; print(h('correct horse'))"
    hashed = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def _stored_hash(app: APIFlask, person: Person) -> str:
    with app.app_context():
        return db.session.scalars(select(User.password_hash).where(User.id == person.id)).one()


def test_changing_the_password_ends_the_other_sessions(ada: Person, app: APIFlask) -> None:
    other = app.test_client()
    other.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD})
    assert other.get("/api/id").status_code == 200

    body = {"password": "another good one", "current_password": PASSWORD}
    assert ada.client.patch("/api/users/", json=body).status_code == 200
    assert ada.client.get("/api/id").status_code == 200
    assert other.get("/api/id").status_code == 401
    assert ada.sign_in(PASSWORD).status_code == 401
    assert ada.sign_in("another good one").status_code == 200


def test_the_own_password_is_changed_with_the_current_one_only(ada: Person) -> None:
    new = {"password": "another good one"}
    assert ada.client.put("/api/user", json=new).status_code == 403
    assert ada.client.put("/api/user", json=new | {"current_password": "wrong"}).status_code == 403
    too_short = {"password": "short", "current_password": PASSWORD}
    answer = ada.client.put("/api/user", json=too_short)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/password"
    assert ada.sign_in().status_code == 200


def test_an_admin_sets_a_password_and_ends_all_sessions(ada: Person, admin: Person) -> None:
    answer = admin.client.patch(f"/api/users/{ada.id}", json={"password": "another good one"})
    assert answer.status_code == 200
    assert ada.client.get("/api/id").status_code == 401
    assert ada.sign_in("another good one").status_code == 200


def test_signing_out_everywhere_ends_every_session_of_mine_and_nobody_elses(
    ada: Person, admin: Person, app: APIFlask
) -> None:
    other = app.test_client()
    other.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD})
    answer = ada.client.delete("/api/sessions")
    assert answer.status_code == 200
    assert answer.json["ended"] == 2
    assert other.get("/api/id").status_code == 401
    assert admin.client.get("/api/id").status_code == 200


def test_sessions_that_are_over_are_swept_at_the_next_sign_in(
    app: APIFlask, make_app: MakeApp, ada: Person
) -> None:
    short = make_app(token_lifetime_hours=1 / 3600).test_client()
    short.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD})
    time.sleep(1.1)
    ada.sign_in()
    with app.app_context():
        assert len(db.session.scalars(select(UserSession)).all()) == 2


def test_guessing_is_limited_and_says_when_to_try_again(ada: Person, guest: FlaskClient) -> None:
    answers = [
        guest.post("/api/authenticate", json={"uid": "ada", "password": f"guess {n}"}) for n in range(12)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 301
    assert "Try again in" in answers[-1].json["message"]
    right = guest.post("/api/authenticate", json={"uid": "ADA", "password": PASSWORD})
    assert right.status_code == 429, "once limited, the right password tells nothing either"


def test_limits_of_one_account_and_address_do_not_reach_others(
    ada: Person, admin: Person, guest: FlaskClient
) -> None:
    for n in range(11):
        guest.post("/api/authenticate", json={"uid": "ada", "password": f"guess {n}"})
    assert admin.sign_in().status_code == 200
    assert ada.sign_in(environ_base={"REMOTE_ADDR": "10.1.2.3"}).status_code == 200


def test_guesses_from_many_addresses_are_limited_as_well(ada: Person, guest: FlaskClient) -> None:
    def guess(n: int) -> int:
        return guest.post(
            "/api/authenticate",
            json={"uid": "ada", "password": f"guess {n}"},
            environ_base={"REMOTE_ADDR": f"10.0.{n // 200}.{n % 200}"},
        ).status_code

    statuses = [guess(n) for n in range(102)]
    assert statuses == [401] * 100 + [429] * 2


def test_the_right_password_begins_the_count_anew(ada: Person, guest: FlaskClient) -> None:
    for _ in range(3):
        for n in range(9):
            wrong = guest.post("/api/authenticate", json={"uid": "ada", "password": f"guess {n}"})
            assert wrong.status_code == 401
        right = guest.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD})
        assert right.status_code == 200


def test_a_session_that_cannot_be_kept_is_no_wrong_password(
    ada: Person, guest: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise BusyError("as if the database were busy")

    right = {"uid": "ada", "password": PASSWORD}
    with monkeypatch.context() as busy:
        busy.setattr(sessions, "_open_session", fail)
        for _ in range(SIGN_IN_HERE.most + 1):
            assert guest.post("/api/authenticate", json=right).status_code == 503
    assert guest.post("/api/authenticate", json=right).status_code == 200


def test_the_current_password_cannot_be_guessed_without_limit(ada: Person) -> None:
    statuses = [
        ada.client.put(
            "/api/user", json={"password": "another good one", "current_password": f"guess {n}"}
        ).status_code
        for n in range(11)
    ]
    assert statuses == [403] * 10 + [429]


def test_a_code_sets_the_password_once_and_signs_in(
    make_person: MakePerson, guest: FlaskClient, code_of: Callable[[Person], str]
) -> None:
    grace = make_person("grace", name="Grace Hopper", password_hash=None, signed_in=False)
    code = code_of(grace)
    shown = guest.post("/api/join/code", json={"code": code})
    assert shown.json == {"name": "Grace Hopper", "uid": "grace"}

    answer = guest.post("/api/join", json={"code": code, "password": PASSWORD})
    assert answer.status_code == 200
    assert guest.get("/api/id").json["uid"] == "grace"
    assert grace.sign_in().status_code == 200
    for path in ("/api/join/code", "/api/join"):
        again = guest.post(
            path, json={"code": code, "password": PASSWORD} if path == "/api/join" else {"code": code}
        )
        assert again.status_code == 404


@pytest.mark.parametrize(
    "respell", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code} "]
)
def test_a_code_may_be_typed_as_people_do(
    make_person: MakePerson,
    guest: FlaskClient,
    code_of: Callable[[Person], str],
    respell: Callable[[str], str],
) -> None:
    grace = make_person("grace", password_hash=None, signed_in=False)
    answer = guest.post("/api/join/code", json={"code": respell(code_of(grace))})
    assert answer.status_code == 200


def test_a_code_is_refused_with_a_bad_password_and_stays_good(
    make_person: MakePerson, guest: FlaskClient, code_of: Callable[[Person], str]
) -> None:
    grace = make_person("grace", password_hash=None, signed_in=False)
    code = code_of(grace)
    assert guest.post("/api/join", json={"code": code, "password": "short"}).status_code == 422
    assert guest.post("/api/join", json={"code": code, "password": PASSWORD}).status_code == 200


def test_a_code_for_a_forgotten_password_ends_the_old_sessions(
    ada: Person, guest: FlaskClient, code_of: Callable[[Person], str]
) -> None:
    answer = guest.post("/api/join", json={"code": code_of(ada), "password": "a brand new one"})
    assert answer.status_code == 200
    assert ada.client.get("/api/id").status_code == 401
    assert ada.sign_in(PASSWORD).status_code == 401


def test_a_code_is_printed_again_as_it_was_and_is_not_stored(
    app: APIFlask, make_person: MakePerson, code_of: Callable[[Person], str]
) -> None:
    grace = make_person("grace", password_hash=None, signed_in=False)
    code = code_of(grace)
    assert code_of(grace) == code
    with app.app_context():
        row = db.session.scalars(select(JoinCode)).one()
        stored = b"".join((row.nonce, row.digest))
        assert code.replace("-", "").encode() not in stored


def test_a_new_code_ends_the_old_one(
    app: APIFlask, make_person: MakePerson, guest: FlaskClient, code_of: Callable[[Person], str]
) -> None:
    grace = make_person("grace", password_hash=None, signed_in=False)
    old = code_of(grace)
    with app.app_context(), write_transaction() as session:
        new = issue_code(session, session.get_one(User, grace.id)).code
    assert guest.post("/api/join/code", json={"code": old}).status_code == 404
    assert guest.post("/api/join/code", json={"code": new}).status_code == 200


def test_a_code_ends_with_its_time(make_app: MakeApp, make_person: MakePerson) -> None:
    app = make_app(join_code_lifetime_days=0.5 / 86400)
    grace = make_person("grace", password_hash=None, signed_in=False, of=app)
    with app.app_context(), write_transaction() as session:
        code = issue_code(session, session.get_one(User, grace.id)).code
    time.sleep(0.6)
    assert app.test_client().post("/api/join/code", json={"code": code}).status_code == 404


def test_a_code_outlives_a_key_rotation(
    make_app: MakeApp, make_person: MakePerson, code_of: Callable[[Person], str]
) -> None:
    grace = make_person("grace", password_hash=None, signed_in=False)
    code = code_of(grace)
    from tests.conftest import KEY

    rotated = make_app(secret_key="0123456789abcdef" * 3, secret_key_fallbacks=KEY)
    assert rotated.test_client().post("/api/join/code", json={"code": code}).status_code == 200
    with rotated.app_context(), write_transaction() as session:
        assert current_code(session, session.get_one(User, grace.id)) == code


@pytest.mark.parametrize("code", ["AAAA-AAAA-AAAA", "x", "' OR 1=1 --", "🙂" * 12, "A" * 100])
def test_a_made_up_code_is_404(guest: FlaskClient, code: str) -> None:
    assert guest.post("/api/join/code", json={"code": code}).status_code == 404


def test_guessing_codes_is_limited(guest: FlaskClient) -> None:
    statuses = [
        guest.post("/api/join/code", json={"code": f"AAAA-AAAA-A{n:03}"}).status_code for n in range(101)
    ]
    assert statuses == [404] * 100 + [429]


def test_when_very_many_wait_the_next_is_asked_to_come_again_and_pages_go_on(
    app: APIFlask, ada: Person, guest: FlaskClient
) -> None:
    queue = app.extensions["homeroom_hashing"]
    places = usable_cores() + MAX_HASHES_WAITING
    queue._waiting["elsewhere"] = places
    refused = guest.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert "Try again in a few seconds" in refused.json["message"]
    assert ada.client.get("/api/users/").status_code == 200
    del queue._waiting["elsewhere"]
    assert ada.sign_in().status_code == 200


def test_hashes_are_done_in_the_order_of_arrival() -> None:
    at_once = 2
    queue, done, begun = HashQueue(at_once), [], threading.Barrier(at_once + 1)
    gate = threading.Event()

    def hold() -> None:
        begun.wait(timeout=30)
        assert gate.wait(timeout=30)

    with ThreadPoolExecutor(at_once + 20) as pool:
        holding = [pool.submit(queue.run, hold) for _ in range(at_once)]
        begun.wait(timeout=30)
        waiting = []
        for number in range(20):
            waiting.append(pool.submit(queue.run, done.append, number))
            while queue._threads._work_queue.qsize() <= number:
                assert not waiting[-1].done()
        gate.set()
        for each in (*holding, *waiting):
            each.result(timeout=30)
    assert sorted(done) == list(range(20))
    # Two threads may finish in another order than they began; nobody is overtaken by many.
    assert all(abs(place - number) < at_once for place, number in enumerate(done))


def test_one_network_does_not_fill_the_queue_for_everybody(app: APIFlask) -> None:
    queue, gate = HashQueue(1), threading.Event()

    def run(address: str, work: Callable[[], object]) -> object:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            return queue.run(work)

    # Many addresses of one network of IPv6 are one.
    with ThreadPoolExecutor(MAX_HASHES_OF_ONE + 2) as pool:
        held = [pool.submit(run, f"2001:db8::{n}", gate.wait) for n in range(MAX_HASHES_OF_ONE)]
        while queue._waiting.total() < MAX_HASHES_OF_ONE:
            assert not any(each.done() for each in held)
        with pytest.raises(Unavailable):
            run("2001:db8::ffff", gate.wait)
        other = pool.submit(run, "198.51.100.7", lambda: "hashed")
        while queue._waiting.total() == MAX_HASHES_OF_ONE:
            assert not other.done()
        gate.set()
        assert other.result(timeout=30) == "hashed"
        assert all(each.result(timeout=30) for each in held)
    assert not queue._waiting


@pytest.mark.parametrize("uid", ["ada ", " ada", "\u3000Ada\t", "ＡＤＡ"])
def test_the_id_may_come_from_any_keyboard(ada: Person, guest: FlaskClient, uid: str) -> None:
    answer = guest.post("/api/authenticate", json={"uid": uid, "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize("typed", ["pässwörter im café", _DECOMPOSED, "pässwörter\u00a0im café"])
@pytest.mark.parametrize("hashed", ["pässwörter im café", _DECOMPOSED])
@pytest.mark.parametrize("scheme", ["argon2", "werkzeug"])
def test_a_password_is_the_same_however_its_accents_and_spaces_are_written(
    make_person: MakePerson, scheme: str, hashed: str, typed: str
) -> None:
    stored = hash_password(hashed) if scheme == "argon2" else _werkzeug(hashed)
    ada = make_person("ada", password_hash=stored, signed_in=False)
    assert ada.sign_in(typed).status_code == 200
    # Once it was right, it is stored in the one form.
    assert ada.sign_in("pässwörter im café").status_code == 200
    assert ada.sign_in(typed).status_code == 200


@pytest.mark.parametrize(
    "cookies",
    ["jwt=stale; jwt={0}", "jwt={0}; jwt=stale", "jwt=; jwt=a; jwt={0}", "jwt=; jwt=; jwt=; jwt={0}"],
)
@pytest.mark.parametrize("path", ["/api/id", "/api/sessions"])
def test_each_cookie_of_the_name_is_tried(app: APIFlask, ada: Person, cookies: str, path: str) -> None:
    header = cookies.format(ada.client.get_cookie("jwt").value)
    client = app.test_client(use_cookies=False)
    assert client.get(path, headers={"Cookie": header}).status_code == 200


def test_a_password_needs_no_letters_and_is_told_why_it_is_refused(ada: Person) -> None:
    """NIST SP 800-63B: no rules of composition."""
    for password, reason in (("12345678", "easy to guess"), ("ada lovelace 1", "your ID or your name")):
        body = {"password": password, "current_password": PASSWORD}
        answer = ada.client.put("/api/user", json=body)
        assert (answer.status_code, reason in answer.json["errors"][0]["detail"]) == (422, True)
    body = {"password": "4839201756", "current_password": PASSWORD}
    assert ada.client.put("/api/user", json=body).status_code == 200


@pytest.mark.parametrize("password", EASY_PASSWORDS)
def test_no_way_in_takes_a_password_that_is_easy_to_guess(
    make_app: MakeApp, make_person: MakePerson, admin: Person, password: str
) -> None:
    app = make_app(registration="open")
    body = {"uid": "hopper", "name": "Grace Hopper", "password": password}
    with app.app_context():
        grace = make_person("grace.hopper", name="Grace Hopper", of=app)
        invited = make_person("hopper2", name="Grace Hopper", of=app, password_hash=None, signed_in=False)
    with app.app_context(), write_transaction() as session:
        code = current_code(session, session.get_one(User, invited.id))
    guest = app.test_client()
    answers = [
        guest.post("/api/user", json=body),
        guest.post("/api/users/", json=body),
        guest.post("/api/join", json={"code": code, "password": password}),
        guest.post("/api/users/", json={"code": code, "password": password}),
        grace.client.put("/api/user", json={"password": password, "current_password": PASSWORD}),
        admin.client.post("/api/users/", json=body),
        admin.client.patch(f"/api/users/{grace.id}", json={"password": password}),
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert {answer.json["errors"][0]["pointer"] for answer in answers} == {"#/password"}


def test_forty_guesses_from_one_network_of_ipv6_are_one_guesser(ada: Person, guest: FlaskClient) -> None:
    def guess(number: int) -> int:
        return guest.post(
            "/api/authenticate",
            json={"uid": "ada", "password": f"guess {number}"},
            environ_base={"REMOTE_ADDR": f"2001:db8:1:2::{number:x}"},
        ).status_code

    assert [guess(number) for number in range(40)] == [401] * 10 + [429] * 30


def test_a_known_device_is_not_locked_out_by_others_guesses(ada: Person, app: APIFlask) -> None:
    stranger = app.test_client()
    for number in range(11):
        answer = stranger.post("/api/authenticate", json={"uid": "ada", "password": f"guess {number}"})
    assert answer.status_code == 429
    ada.client.delete("/api/authenticate")
    assert ada.client.get_cookie("homeroom_device") is not None
    assert ada.sign_in().status_code == 200
    assert stranger.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD}).status_code == 429
    # The device's own guesses are bounded as well.
    statuses = [ada.sign_in(f"guess {number}").status_code for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2


def test_a_device_is_known_for_those_who_signed_in_on_it_and_nobody_else(
    app: APIFlask, make_person: MakePerson
) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    for _ in range(10):
        app.test_client().post("/api/authenticate", json={"uid": "ada", "password": "a wrong guess"})
    body = {"uid": "ada", "password": PASSWORD}
    assert eve.client.post("/api/authenticate", json=body).status_code == 429
    forged = eve.client.get_cookie("homeroom_device").value.replace(f"{eve.id}-", f"{ada.id}-")
    client = app.test_client()
    client.set_cookie("homeroom_device", forged)
    assert client.post("/api/authenticate", json=body).status_code == 429


def test_a_stale_cookie_before_it_does_not_make_a_device_unknown(app: APIFlask, ada: Person) -> None:
    good = ada.client.get_cookie("homeroom_device").value
    for _ in range(10):
        app.test_client().post("/api/authenticate", json={"uid": "ada", "password": "a wrong guess"})
    body = {"uid": "ada", "password": PASSWORD}
    for others in ("homeroom_device=x; ", "homeroom_device=; homeroom_device=1-a-b.2-c-d; "):
        cookie = {"Cookie": f"{others}homeroom_device={good}"}
        client = app.test_client(use_cookies=False)
        assert client.post("/api/authenticate", json=body, headers=cookie).status_code == 200


def test_a_try_that_nothing_could_be_checked_by_does_not_count(
    ada: Person, guest: FlaskClient, app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("full", retry_after_s=2)

    body = {"uid": "ada", "password": PASSWORD}
    with monkeypatch.context() as patch:
        patch.setattr(HashQueue, "run", full)
        assert {guest.post("/api/authenticate", json=body).status_code for _ in range(30)} == {503}
    assert guest.post("/api/authenticate", json=body).status_code == 200


def test_what_is_limited_is_not_hashed(
    ada: Person, guest: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"uid": "ada", "password": "a wrong guess"}
    for _ in range(10):
        guest.post("/api/authenticate", json=body)
    monkeypatch.setattr(HashQueue, "run", lambda *_: pytest.fail("it was hashed"))
    assert guest.post("/api/authenticate", json=body | {"password": PASSWORD}).status_code == 429


def test_a_clock_that_was_once_ahead_locks_nobody_out(ada: Person, guest: FlaskClient) -> None:
    body = {"uid": "ada", "password": "a wrong guess"}
    with time_machine.travel(datetime.now(UTC) + timedelta(days=365)):
        statuses = {guest.post("/api/authenticate", json=body).status_code for _ in range(11)}
    assert statuses == {401, 429}
    assert guest.post("/api/authenticate", json=body | {"password": PASSWORD}).status_code == 200


def test_a_waiting_account_cannot_try_ids_without_a_limit(make_app: MakeApp, make_person: MakePerson) -> None:
    make_person("grace", signed_in=False)
    eve = make_person("eve", pending=True)
    statuses = [eve.client.put("/api/user", json={"uid": f"eve{n}"}).status_code for n in range(11)]
    assert statuses == [200] * 10 + [429]
    assert eve.client.put("/api/user", json={"uid": "grace"}).status_code == 429
