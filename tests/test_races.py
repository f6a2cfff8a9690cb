"""Every writing route, twelve at once, on both databases: where one must win, one wins; nobody gets a 500."""

from collections import Counter
from importlib import import_module
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.security import generate_password_hash

from homeroom.auth.join_codes import current_code
from homeroom.auth.locking import lock_user
from homeroom.auth.models import JoinCode, Role, User, UserSession
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person
from tests.races import AT_ONCE, RACED, at_once, races, statuses

OTHER_PASSWORD = "another horse battery"


def clients_of(app: APIFlask, person: Person) -> list[FlaskClient]:
    """Twelve browsers in which the same person is signed in."""
    cookie = person.client.get_cookie("jwt")
    clients = [app.test_client() for _ in range(AT_ONCE)]
    for client in clients:
        client.set_cookie("jwt", cookie.value)
    return clients


def people(make_person: MakePerson, **fields: Any) -> list[Person]:
    return [make_person(f"person{number}", **fields) for number in range(AT_ONCE)]


def code_for(app: APIFlask, person: Person) -> str:
    with app.app_context(), write_transaction() as session:
        return current_code(session, lock_user(session, person.id))


def count(app: APIFlask, model: type, **fields: Any) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model).filter_by(**fields))


@races("POST /api/users", "POST /api/users/")
def test_one_of_twelve_admins_makes_the_user(app: APIFlask, admin: Person) -> None:
    body = {"uid": "grace", "name": "Grace"}
    answers = at_once([lambda c=c: c.post("/api/users/", json=body) for c in clients_of(app, admin)])
    assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}
    assert {answer.json["detail"] for answer in answers if answer.status_code == 409} == {
        "Someone else already uses this ID."
    }


def test_twelve_lists_of_the_same_users_in_any_order_do_not_wait_in_a_circle(
    app: APIFlask, admin: Person
) -> None:
    users = [{"uid": f"u{number:02}", "name": "U"} for number in range(30)]
    bodies = [users if turn % 2 else users[::-1] for turn in range(AT_ONCE)]
    calls = [
        lambda c=c, b=b: c.post("/api/users/", json=b)
        for c, b in zip(clients_of(app, admin), bodies, strict=True)
    ]
    assert statuses(at_once(calls)) == {201: 1, 409: AT_ONCE - 1}


@races("POST /api/user")
def test_one_of_twelve_signs_up_with_an_id(make_app: MakeApp) -> None:
    app = make_app(registration="open")
    body = {"uid": "grace", "name": "Grace", "password": PASSWORD}
    calls = [lambda: app.test_client().post("/api/user", json=body)] * AT_ONCE
    assert statuses(at_once(calls)) == {201: 1, 409: AT_ONCE - 1}


@races("POST /api/join")
@pytest.mark.parametrize("path", ["/api/join", "/api/user"])
def test_one_of_twelve_uses_a_code(app: APIFlask, make_person: MakePerson, path: str) -> None:
    grace = make_person("grace", signed_in=False, password_hash=None)
    code = code_for(app, grace)
    calls = [
        lambda number=number: app.test_client().post(
            path, json={"code": code, "password": f"{PASSWORD} {number}"}
        )
        for number in range(AT_ONCE)
    ]
    answers = at_once(calls)
    assert sorted(statuses(answers)) in ([200, 404], [201, 404])
    assert statuses(answers)[404] == AT_ONCE - 1
    winner = next(number for number, answer in enumerate(answers) if answer.status_code < 300)
    assert grace.sign_in(f"{PASSWORD} {winner}").status_code == 200
    assert count(app, JoinCode) == 0


@races("POST /api/users/<int:user_id>/join-code")
def test_twelve_new_codes_for_one_user_leave_one(app: APIFlask, admin: Person, ada: Person) -> None:
    answers = at_once([lambda c=c: c.post(f"/api/users/{ada.id}/join-code") for c in clients_of(app, admin)])
    assert statuses(answers) == {200: AT_ONCE}
    assert count(app, JoinCode) == 1
    alive = [
        answer.json["code"]
        for answer in answers
        if app.test_client().post("/api/join/code", json={"code": answer.json["code"]}).status_code == 200
    ]
    assert len(alive) == 1


@races("PUT /api/users", "PATCH /api/users", "PUT /api/users/", "PATCH /api/users/")
def test_one_of_twelve_people_takes_a_free_id(make_person: MakePerson) -> None:
    answers = at_once(
        [
            lambda p=p: p.client.put("/api/users/", json={"id": p.id, "uid": "free"})
            for p in people(make_person)
        ]
    )
    assert statuses(answers) == {200: 1, 409: AT_ONCE - 1}


@races("PUT /api/user", "PATCH /api/user")
def test_one_of_twelve_changes_the_password_and_no_older_session_lives_on(app: APIFlask, ada: Person) -> None:
    clients = clients_of(app, ada)
    calls = [
        lambda c=c, n=n: c.open(
            "/api/user",
            method=("PUT", "PATCH")[n % 2],
            json={"password": f"{OTHER_PASSWORD} {n}", "current_password": PASSWORD},
        )
        for n, c in enumerate(clients)
    ]
    answers = at_once(calls)
    assert statuses(answers)[200] == 1, statuses(answers)
    assert set(statuses(answers)) <= {200, 401, 403, 409, 429}
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    assert ada.sign_in(f"{OTHER_PASSWORD} {winner}").status_code == 200


@races("POST /api/authenticate", "POST /api/users/authenticate")
def test_no_session_of_the_old_password_survives_its_change(app: APIFlask, ada: Person) -> None:
    # As many as one account may try at one place.
    clients = [app.test_client() for _ in range(8)]
    body = {"uid": "ada", "password": PASSWORD}
    change = {"password": OTHER_PASSWORD, "current_password": PASSWORD}
    calls = [lambda c=c: c.post("/api/authenticate", json=body) for c in clients]
    answers = at_once([*calls, lambda: ada.client.put("/api/user", json=change)])
    assert answers[-1].status_code == 200
    assert set(statuses(answers)) <= {200, 401, 429}
    # Who changed it stays signed in, and nobody else.
    assert Counter(client.get("/api/id").status_code for client in clients) == {401: len(clients)}
    assert ada.client.get("/api/id").status_code == 200


def test_devices_that_sign_in_at_once_renew_an_outdated_hash_once(
    app: APIFlask, make_person: MakePerson
) -> None:
    """The first one stores a better hash; to the others the password is as right as before."""
    make_person("old", password_hash=generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"), signed_in=False)
    body = {"uid": "old", "password": PASSWORD}
    # As many as one account may try at one place.
    answers = at_once([lambda: app.test_client().post("/api/authenticate", json=body)] * 8)
    assert statuses(answers) == {200: 8}


def test_a_taken_id_together_with_a_password_is_a_conflict(ada: Person, make_person: MakePerson) -> None:
    make_person("grace", signed_in=False)
    body = {"uid": "grace", "password": OTHER_PASSWORD, "current_password": PASSWORD}
    answer = ada.client.put("/api/user", json=body)
    assert (answer.status_code, answer.json["detail"]) == (409, "Someone else already uses this ID.")
    assert ada.client.get("/api/id").status_code == 200


@races("PUT /api/users/<int:user_id>", "PATCH /api/users/<int:user_id>")
def test_of_twelve_admins_who_leave_at_once_one_stays(app: APIFlask, make_person: MakePerson) -> None:
    admins = people(make_person, role=Role.ADMIN)
    answers = at_once(
        [lambda p=p: p.client.patch(f"/api/users/{p.id}", json={"role": "User"}) for p in admins]
    )
    assert statuses(answers) == {200: AT_ONCE - 1, 409: 1}
    assert count(app, User, role=Role.ADMIN) == 1


def test_twelve_admins_who_take_the_role_from_each_other_leave_one(
    app: APIFlask, make_person: MakePerson
) -> None:
    admins = people(make_person, role=Role.ADMIN)
    after = [*admins[1:], admins[0]]
    answers = at_once(
        [
            lambda p=p, o=o: p.client.patch(f"/api/users/{o.id}", json={"role": "User"})
            for p, o in zip(admins, after, strict=True)
        ]
    )
    assert set(statuses(answers)) <= {200, 403, 409}
    assert count(app, User, role=Role.ADMIN) >= 1


@races("DELETE /api/users/<int:user_id>")
def test_one_of_twelve_deletes_a_user(app: APIFlask, admin: Person, ada: Person) -> None:
    answers = at_once([lambda c=c: c.delete(f"/api/users/{ada.id}") for c in clients_of(app, admin)])
    assert statuses(answers) == {200: 1, 404: AT_ONCE - 1}


@races("DELETE /api/users", "DELETE /api/users/")
def test_of_twelve_admins_who_delete_each_other_one_stays(app: APIFlask, make_person: MakePerson) -> None:
    admins = people(make_person, role=Role.ADMIN)
    after = [*admins[1:], admins[0]]
    answers = at_once(
        [
            lambda p=p, o=o: p.client.delete("/api/users/", json={"uid": o.uid})
            for p, o in zip(admins, after, strict=True)
        ]
    )
    assert set(statuses(answers)) <= {200, 401, 403, 409}
    assert count(app, User, role=Role.ADMIN) >= 1


@races("POST /api/users/<int:user_id>/admission")
def test_twelve_who_admit_the_same_account_all_find_it_admitted(
    app: APIFlask, teacher: Person, make_person: MakePerson
) -> None:
    waiting = make_person("waiting", signed_in=False, pending=True)
    answers = at_once(
        [lambda c=c: c.post(f"/api/users/{waiting.id}/admission") for c in clients_of(app, teacher)]
    )
    assert statuses(answers) == {200: AT_ONCE}
    assert count(app, User, pending=True) == 0


@races("DELETE /api/authenticate", "DELETE /api/sessions", "DELETE /api/sessions/<name>")
def test_twelve_who_sign_out_in_every_way_leave_no_session(app: APIFlask, ada: Person) -> None:
    names = [session["id"] for session in ada.client.get("/api/sessions").json]
    ways = ["/api/authenticate", "/api/sessions", f"/api/sessions/{names[0]}"]
    calls = [lambda c=c, n=n: c.delete(ways[n % len(ways)]) for n, c in enumerate(clients_of(app, ada))]
    assert set(statuses(at_once(calls))) <= {200, 401, 404}
    assert count(app, UserSession) == 0


@races("POST /api/join/code")
def test_twelve_who_look_at_a_code_all_see_whose_it_is(app: APIFlask, make_person: MakePerson) -> None:
    code = code_for(app, make_person("grace", signed_in=False, password_hash=None))
    calls = [lambda: app.test_client().post("/api/join/code", json={"code": code})] * AT_ONCE
    assert statuses(at_once(calls)) == {200: AT_ONCE}


@races("POST /api/roster", "POST /api/roster/")
def test_of_twelve_imports_of_one_roster_each_student_is_made_once(app: APIFlask, admin: Person) -> None:
    roster = "uid,name\n" + "".join(f"s{number},Student {number}\n" for number in range(20))
    calls = [
        lambda c=c: c.post("/api/roster/", data=roster, content_type="text/csv")
        for c in clients_of(app, admin)
    ]
    answers = at_once(calls)
    assert statuses(answers) == {200: AT_ONCE}
    assert sum(answer.json["created"] for answer in answers) == 20
    assert count(app, User) == 21


@races("POST /api/confirmation")
def test_twelve_confirmations_of_one_session_are_one(app: APIFlask, ada: Person) -> None:
    body = {"current_password": PASSWORD}
    calls = [lambda c=c: c.post("/api/confirmation", json=body) for c in clients_of(app, ada)[:8]]
    assert statuses(at_once(calls)) == {200: 8}


@races("POST /api/roster/codes")
def test_twelve_who_print_the_codes_print_the_same(
    app: APIFlask, admin: Person, make_person: MakePerson
) -> None:
    for number in range(5):
        make_person(f"s{number}", signed_in=False, password_hash=None)
    answers = at_once([lambda c=c: c.post("/api/roster/codes") for c in clients_of(app, admin)])
    assert statuses(answers) == {200: AT_ONCE}
    assert len({tuple(one["code"] for one in answer.json) for answer in answers}) == 1


@races("DELETE /api/user")
def test_one_of_twelve_deletes_the_own_account(app: APIFlask, ada: Person) -> None:
    calls = [
        lambda c=c: c.delete("/api/user", json={"current_password": PASSWORD})
        for c in clients_of(app, ada)[:8]
    ]
    answers = at_once(calls)
    assert statuses(answers)[200] == 1
    # Gone before the password was looked at, or after.
    assert set(statuses(answers)) <= {200, 401, 403, 404, 409}
    assert count(app, User) == 0


def test_every_writing_route_is_raced(app: APIFlask) -> None:
    for module in ("tests.portfolio.test_races", "tests.uploads.test_races"):
        import_module(module)
    writing = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
        if rule.rule.startswith("/api/")
    }
    assert sorted(writing - RACED) == []
