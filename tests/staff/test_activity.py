"""What the staff reads of late: from where it is told, whom it leaves out, and in which pages."""

import base64
import json
from datetime import timedelta
from typing import Any

import flask_migrate
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from homeroom.auth.models import User
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.portfolio.models import Project
from homeroom.uploads.models import Picture
from tests.conftest import MakePerson, Person
from tests.portfolio.test_projects import CLASS, DRAFT, make, upload


def told(person: Person, query: str = "") -> list[dict[str, Any]]:
    answer = person.client.get(f"/api/activity?{query}")
    assert answer.status_code == 200, answer.json
    events: list[dict[str, Any]] = answer.json
    return events


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["kind"] for event in events]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_staff_reads_what_happened_the_latest_first(ada: Person, teacher: Person, slash: str) -> None:
    project = make(ada, "A weather station", visibility=CLASS, pictures=[{"id": upload(ada)}])
    ada.client.put("/api/id/picture", json={"picture_id": upload(ada, "teal")})
    teacher.client.put(f"/api/projects/{project['id']}/hidden", json={"reason": "A home address."})

    answer = teacher.client.get(f"/api/activity{slash}")

    assert answer.status_code == 200
    by_ada = [event for event in answer.json if event["user"]["uid"] == "ada"]
    assert kinds(by_ada) == [
        "project_hidden",
        "portrait_chosen",
        "project_made",
        "picture_added",
        "account_made",
    ]
    assert by_ada[0]["user"] == {"id": ada.id, "uid": "ada", "name": "Ada Lovelace"}
    assert by_ada[0]["project"] == {"id": project["id"], "title": "A weather station"}
    assert by_ada[0]["reason"] == "A home address."
    assert [event["reason"] for event in by_ada[1:]] == [None] * 4
    assert [event["at"] for event in answer.json] == sorted((e["at"] for e in answer.json), reverse=True)


def test_only_the_staff_reads_it(
    ada: Person, teacher: Person, admin: Person, guest: FlaskClient, make_person: MakePerson
) -> None:
    waiting = make_person("waiting", pending=True)
    assert guest.get("/api/activity").status_code == 401
    assert {person.client.get("/api/activity").status_code for person in (ada, waiting)} == {403}
    assert told(teacher) == told(admin)


def test_a_draft_stays_its_owners_secret(ada: Person, teacher: Person) -> None:
    project = make(ada, visibility=DRAFT, pictures=[{"id": upload(ada)}])
    assert "project" not in "".join(kinds(told(teacher)))
    assert "picture_added" not in kinds(told(teacher))

    ada.client.patch(f"/api/projects/{project['id']}", json={"visibility": CLASS})

    assert "project_made" in kinds(told(teacher))
    assert "picture_added" in kinds(told(teacher))


def test_a_project_that_was_changed_is_still_told_as_shared(ada: Person, teacher: Person) -> None:
    project = make(ada, visibility=CLASS)
    for summary in ("New", "Newer"):
        ada.client.patch(f"/api/projects/{project['id']}", json={"summary": summary})
    events = told(teacher)
    assert kinds(events)[:2] == ["project_changed", "project_made"]
    assert kinds(events).count("project_made") == 1
    assert [event["project"]["id"] for event in events[:2]] == [project["id"]] * 2
    ada.client.patch(f"/api/projects/{project['id']}", json={"visibility": DRAFT})
    assert "project" not in "".join(kinds(told(teacher)))


def test_a_draft_of_long_ago_is_told_as_shared_on_the_day_it_is(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    project = make(ada, visibility=DRAFT)
    with app.app_context(), write_transaction() as session:
        row = session.get_one(Project, project["id"])
        row.created_at = row.updated_at = utc_now() - timedelta(days=2)
    ada.client.patch(f"/api/projects/{project['id']}", json={"visibility": CLASS})
    assert kinds(told(teacher))[0] == "project_made"
    ada.client.patch(f"/api/projects/{project['id']}", json={"visibility": DRAFT})
    ada.client.patch(f"/api/projects/{project['id']}", json={"visibility": CLASS})
    assert kinds(told(teacher))[0] == "project_changed"


@pytest.mark.migrates
def test_what_was_shared_before_moments_of_sharing_were_kept_is_told_as_it_was(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    made, changed, draft = (make(ada, visibility=which)["id"] for which in (CLASS, CLASS, DRAFT))
    ada.client.patch(f"/api/projects/{changed}", json={"summary": "New"})
    with app.app_context():
        flask_migrate.downgrade(revision="0011")
        flask_migrate.upgrade()
        flask_migrate.check()
    events = [(event["project"]["id"], event["kind"]) for event in told(teacher) if event["project"]]
    assert events == [(changed, "project_changed"), (changed, "project_made"), (made, "project_made")]
    ada.client.patch(f"/api/projects/{draft}", json={"visibility": CLASS})
    assert kinds(told(teacher))[0] == "project_made"


def test_an_account_that_waits_for_the_staff_is_told_as_waiting(
    teacher: Person, make_person: MakePerson
) -> None:
    waiting = make_person("waiting", pending=True, signed_in=False)
    assert kinds(told(teacher))[0] == "account_waits"
    assert teacher.client.post(f"/api/users/{waiting.id}/admission").status_code == 200
    assert kinds(told(teacher))[0] == "account_made"


def test_an_upload_that_nothing_uses_is_not_told(ada: Person, teacher: Person) -> None:
    upload(ada)
    assert set(kinds(told(teacher))) == {"account_made"}


def test_what_was_deleted_is_not_told(ada: Person, teacher: Person, admin: Person) -> None:
    project = make(ada, visibility=CLASS)
    assert "project_made" in kinds(told(teacher))
    ada.client.delete(f"/api/projects/{project['id']}")
    assert "project_made" not in kinds(told(teacher))
    assert admin.client.delete(f"/api/users/{ada.id}").status_code == 200
    assert "ada" not in {event["user"]["uid"] for event in told(teacher)}


def test_pages_tell_each_event_once_even_where_moments_are_the_same(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    for number in range(5):
        make(ada, f"Project {number}", visibility=CLASS, pictures=[{"id": upload(ada)}])
    moment = utc_now() - timedelta(hours=1)
    with app.app_context(), write_transaction() as session:
        for model, columns in ((User, ("created_at",)), (Project, ("created_at", "updated_at", "shared_at"))):
            for row in session.query(model):
                for column in columns:
                    setattr(row, column, moment)
        for picture in session.query(Picture):
            picture.created_at = moment
    whole = told(teacher, "limit=100")
    assert len(whole) == 12

    paged: list[dict[str, Any]] = []
    address = "/api/activity?limit=5"
    while address:
        answer = teacher.client.get(address)
        assert answer.headers["X-Total-Count"] == "12"
        paged += answer.json
        address = answer.headers.get("Link", "").split(">")[0][1:]

    assert paged == whole


def test_unchanged_activity_is_not_sent_twice(ada: Person, teacher: Person) -> None:
    first = teacher.client.get("/api/activity")
    assert first.headers["Cache-Control"] == "private, no-cache"
    etag = {"If-None-Match": first.headers["ETag"]}
    assert teacher.client.get("/api/activity", headers=etag).status_code == 304
    make(ada, visibility=CLASS)
    assert teacher.client.get("/api/activity", headers=etag).status_code == 200


def cursor_of(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "cursor=x",
        f"cursor={cursor_of('yesterday', 1)}",
        f"cursor={cursor_of('2026-01-01T00:00:00', 1)}",
        f"cursor={cursor_of('0001-01-01T00:00:00+14:00', 1)}",
        f"cursor={cursor_of(1, 1)}",
    ],
)
def test_a_wrong_query_is_refused(teacher: Person, query: str) -> None:
    answer = teacher.client.get(f"/api/activity?{query}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == f"#/{query.partition('=')[0]}"


def test_a_cursor_of_ones_own_making_may_point_at_any_moment(ada: Person, teacher: Person) -> None:
    assert told(teacher, f"cursor={cursor_of('2000-01-01T00:00:00+00:00', 1)}") == []
    everything = told(teacher, f"cursor={cursor_of('9999-01-01T00:00:00+00:00', 1)}")
    assert everything == told(teacher)
