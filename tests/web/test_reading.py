"""Reading never writes: every GET route, by everybody, leaves the database as it was."""

from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from homeroom.auth.models import Role
from homeroom.data.database import Base, db
from tests.conftest import MakePerson, Person
from tests.portfolio.test_projects import make, upload

FILLED = {"path": "x", "filename": "x", "rendition": "avatar", "extension": "webp", "uid": "ada", "name": "x"}


@pytest.fixture
def readers(app: APIFlask, make_person: MakePerson, ada: Person, admin: Person) -> list[FlaskClient]:
    """A guest, an account that waits, another student, the author, a teacher, an admin."""
    make_person("invited", password_hash=None, signed_in=False)
    waiting = make_person("waiting", pending=True)
    teacher = make_person("teacher", role=Role.TEACHER)
    return [
        app.test_client(),
        *(person.client for person in (waiting, make_person("other"), ada, teacher, admin)),
    ]


def rows(app: APIFlask) -> dict[str, list[Any]]:
    with app.app_context():
        return {
            table.name: sorted(map(repr, db.session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
            # Whether the database can be written is found out by writing.
            if table.name != "heartbeat"
        }


def address(rule: Rule, ids: dict[str, int]) -> str:
    values = {name: ids.get(name, 1) if name.endswith("_id") else FILLED[name] for name in rule.arguments}
    _, path = rule.build(values)
    return path


def test_no_get_route_writes(app: APIFlask, readers: list[FlaskClient], ada: Person) -> None:
    picture = upload(ada)
    project = make(ada, visibility="public", body="*text*", pictures=[{"id": picture}])["id"]
    ids = {"user_id": ada.id, "project_id": project, "picture_id": picture}
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods]
    assert len(rules) > 20
    before = rows(app)
    answered = 0
    for rule in rules:
        for client in readers:
            with client.get(address(rule, ids)) as answer:
                assert answer.status_code < 500, rule
                answered += answer.status_code == 200
        assert rows(app) == before, rule
    assert answered > 60
