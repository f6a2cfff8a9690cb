"""What a page of another origin may not do with the staff's session alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from homeroom.auth.models import JoinCode, Role, User
from homeroom.data.database import db
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person

PAGE = {"Origin": "http://localhost:4100"}
OTHER_PAGE = {"Origin": "http://127.0.0.1:4100"}
SAME_SITE = PAGE | {"Sec-Fetch-Site": "same-site"}
OWN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}

Ask = Callable[[FlaskClient, int, dict[str, str]], TestResponse]

# What is asked of an admin's session, with the id of a student who waits.
ACTS: dict[str, Ask] = {
    "give a role": lambda c, i, h: c.put("/api/users/", json={"id": i, "role": "Admin"}, headers=h),
    "give a role by path": lambda c, i, h: c.patch(f"/api/users/{i}", json={"role": "Teacher"}, headers=h),
    "give oneself a role": lambda c, i, h: c.put("/api/user", json={"role": "Teacher"}, headers=h),
    "set a password": lambda c, i, h: c.put(
        f"/api/users/{i}", json={"password": "a quiet new one"}, headers=h
    ),
    "give an ID": lambda c, i, h: c.patch(f"/api/users/{i}", json={"uid": "another"}, headers=h),
    "make an admin": lambda c, i, h: c.post(
        "/api/users/", json={"uid": "eve", "name": "E", "role": "Admin"}, headers=h
    ),
    "make many": lambda c, i, h: c.post("/api/users/", json=[{"uid": "eve", "name": "E"}], headers=h),
    "make a code": lambda c, i, h: c.post(f"/api/users/{i}/join-code", headers=h),
    "list codes": lambda c, i, h: c.get("/api/roster/codes", headers=h),
    "make codes": lambda c, i, h: c.post("/api/roster/codes", headers=h),
    "admit": lambda c, i, h: c.post(f"/api/users/{i}/admission", headers=h),
    "import a roster": lambda c, i, h: c.post(
        "/api/roster/", data="uid,name\neve,Eve\n", content_type="text/csv", headers=h
    ),
    "delete": lambda c, i, h: c.delete(f"/api/users/{i}", headers=h),
    "change one's own ID": lambda c, i, h: c.put("/api/user", json={"uid": "another"}, headers=h),
    "delete by name": lambda c, i, h: c.delete("/api/users/", json={"uid": "waiting"}, headers=h),
}
# The same with the id of a project of somebody else.
ACTS_ON_WORK: dict[str, Ask] = {
    "change": lambda c, i, h: c.patch(f"/api/projects/{i}", json={"title": "Mine"}, headers=h),
    "change the text": lambda c, i, h: c.put(f"/api/projects/{i}", json={"body": "Mine"}, headers=h),
    "hide": lambda c, i, h: c.put(f"/api/projects/{i}/hidden", json={"reason": "Because."}, headers=h),
    "show again": lambda c, i, h: c.delete(f"/api/projects/{i}/hidden", headers=h),
    "delete": lambda c, i, h: c.delete(f"/api/projects/{i}", headers=h),
}
acts = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)


@pytest.fixture
def waiting(make_person: MakePerson) -> Person:
    return make_person("waiting", signed_in=False, pending=True)


@pytest.fixture
def admins(make_person: MakePerson, admin: Person) -> Person:
    """Two, so that one may lose the role."""
    make_person("second", role=Role.ADMIN, signed_in=False)
    return admin


def state(app: APIFlask) -> list[object]:
    with app.app_context():
        columns = (User.id, User.uid, User.role, User.password_hash, User.pending, User.roster_key)
        users = db.session.execute(select(*columns)).all()
        return [*users, *db.session.scalars(select(JoinCode.nonce)).all()]


@acts
@pytest.mark.parametrize("page", [PAGE, SAME_SITE, {"Sec-Fetch-Site": "cross-site"} | PAGE])
def test_a_page_of_another_origin_may_not(
    app: APIFlask, admins: Person, waiting: Person, act: Ask, page: dict[str, str]
) -> None:
    before = state(app)
    answer = act(admins.client, waiting.id, page)
    assert (answer.status_code, answer.headers["X-Confirmation"]) == (403, "required")
    assert state(app) == before


@pytest.fixture
def work(ada: Person) -> int:
    body = {"title": "A kite", "visibility": "class"}
    return int(ada.client.post("/api/projects/", json=body, headers=PAGE).json["id"])


@pytest.mark.parametrize("act", ACTS_ON_WORK.values(), ids=ACTS_ON_WORK)
def test_others_work_needs_a_confirmation(admin: Person, ada: Person, work: int, act: Ask) -> None:
    before = ada.client.get(f"/api/projects/{work}").json
    for page in (PAGE, SAME_SITE):
        answer = act(admin.client, work, page)
        assert (answer.status_code, answer.headers["X-Confirmation"]) == (403, "required")
    assert ada.client.get(f"/api/projects/{work}").json == before
    assert act(admin.client, work, OWN).status_code == 200


@pytest.mark.parametrize("act", ["change", "change the text", "delete"])
def test_ones_own_work_needs_none(ada: Person, work: int, act: str) -> None:
    assert ACTS_ON_WORK[act](ada.client, work, PAGE).status_code == 200


@acts
@pytest.mark.parametrize("page", [OWN, {}, {"Origin": "http://localhost"}])
def test_the_sites_own_pages_and_programs_may(
    admins: Person, waiting: Person, act: Ask, page: dict[str, str]
) -> None:
    assert act(admins.client, waiting.id, page).status_code in (200, 201)


@acts
def test_a_page_may_once_the_password_was_given_in_it_and_no_other_page_may(
    admins: Person, waiting: Person, act: Ask
) -> None:
    body = {"current_password": PASSWORD}
    assert admins.client.post("/api/confirmation", json=body, headers=PAGE).status_code == 200
    assert act(admins.client, waiting.id, OTHER_PAGE).status_code == 403
    assert act(admins.client, waiting.id, PAGE).status_code in (200, 201)


def test_a_confirmation_holds_for_a_quarter_of_an_hour(admins: Person, waiting: Person) -> None:
    begin = datetime.now(UTC)
    body = {"current_password": PASSWORD}
    assert admins.client.post("/api/confirmation", json=body, headers=PAGE).status_code == 200
    make = ACTS["make a code"]
    # As after a confirmation by a clock that was ahead.
    with time_machine.travel(begin - timedelta(minutes=5)):
        assert make(admins.client, waiting.id, PAGE).status_code == 403
    with time_machine.travel(begin + timedelta(minutes=14)):
        assert make(admins.client, waiting.id, PAGE).status_code == 200
    with time_machine.travel(begin + timedelta(minutes=16)):
        assert make(admins.client, waiting.id, PAGE).status_code == 403


def test_a_wrong_password_confirms_nothing_and_guessing_is_limited(admins: Person, waiting: Person) -> None:
    statuses = [
        admins.client.post(
            "/api/confirmation", json={"current_password": f"guess {n}"}, headers=PAGE
        ).status_code
        for n in range(11)
    ]
    assert statuses == [403] * 10 + [429]
    assert ACTS["make a code"](admins.client, waiting.id, PAGE).status_code == 403


def test_signing_in_is_no_confirmation(admins: Person, waiting: Person) -> None:
    assert admins.sign_in(headers=PAGE).status_code == 200
    assert ACTS["give a role"](admins.client, waiting.id, PAGE).status_code == 403


def test_what_is_ones_own_needs_no_confirmation(make_app: MakeApp, make_person: MakePerson) -> None:
    ada = make_person("ada")
    own = {"name": "Ada L", "role": "User", "password": "a quiet new one", "current_password": PASSWORD}
    assert ada.client.put("/api/user", json=own, headers=PAGE).status_code == 200
    app = make_app(registration="open")
    body = {"uid": "eve", "name": "Eve", "password": PASSWORD}
    assert app.test_client().post("/api/users/", json=body, headers=PAGE).status_code == 201
