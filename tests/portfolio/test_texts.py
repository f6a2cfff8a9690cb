"""A text is read once, when it is saved: what that may cost, and what is shown of older ones."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import flask_migrate
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from markdown_it.parser_block import ParserBlock
from sqlalchemy import update

from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.portfolio import reading_time, texts
from homeroom.portfolio.models import Project
from tests.conftest import MakePerson, Person
from tests.portfolio.test_markdown import TOO_MUCH, filled_up, text_of
from tests.portfolio.test_projects import make

TABLE = filled_up(100, 6000)


@pytest.fixture
def read(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many connections were in use each time a text was parsed."""
    connections: list[int] = []
    parse = ParserBlock.parse

    def count(*args: Any) -> Any:
        connections.append(db.engine.pool.checkedout())
        return parse(*args)

    monkeypatch.setattr(ParserBlock, "parse", count)
    return connections


def store(app: APIFlask, project_id: int, **columns: Any) -> None:
    """What another version of the program wrote."""
    with app.app_context(), write_transaction() as session:
        session.execute(update(Project).where(Project.id == project_id).values(**columns))


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_a_text_that_unfolds_to_too_much_is_refused_with_the_bound(ada: Person, kind: str) -> None:
    text, bound = TOO_MUCH[kind]
    project = make(ada)
    sent = {"body": text[:20_000]}
    for answer in (
        ada.client.post("/api/projects/", json={"title": "T"} | sent),
        ada.client.patch(f"/api/projects/{project['id']}", json=sent),
        ada.client.post("/api/projects/preview", json=sent),
    ):
        assert answer.status_code == 422
        (field,) = answer.json["errors"]
        assert field["pointer"] == "#/body"
        assert bound in field["detail"]
    assert ada.client.get(f"/api/projects/{project['id']}").json == project
    assert len(ada.client.get("/api/projects/").json) == 1


def test_a_text_is_read_when_it_is_saved_and_never_when_it_is_looked_at(
    ada: Person, guest: FlaskClient, teacher: Person, read: list[int]
) -> None:
    project = make(ada, body="*one*", visibility="public")
    path = f"/api/projects/{project['id']}"
    assert len(read) == 1
    assert ada.client.patch(path, json={"body": "*two*"}).json["content"] == [
        {"tag": "p", "children": [{"tag": "em", "children": ["two"]}]}
    ]
    assert len(read) == 2
    for client in (guest, ada.client, teacher.client):
        assert text_of(client.get(path).json["content"]) == "two"
    ada.client.patch(path, json={"title": "T", "tags": ["a"]})
    teacher.client.put(f"{path}/hidden", json={"reason": "No."})
    ada.client.get("/api/projects/")
    ada.client.get("/api/id/export", buffered=True).close()
    assert len(read) == 2


def test_no_connection_is_held_while_a_text_is_read(app: APIFlask, ada: Person, read: list[int]) -> None:
    project = make(ada)
    with app.app_context():
        at_rest = db.engine.pool.checkedout()
    ada.client.patch(f"/api/projects/{project['id']}", json={"body": "x"})
    ada.client.post("/api/projects/preview", json={"body": "x"})
    store(app, project["id"], body=uuid4().hex)
    ada.client.get(f"/api/projects/{project['id']}")
    assert read[1:] == [at_rest] * 3


def test_who_may_not_save_or_knows_an_older_version_has_no_text_read(
    ada: Person, teacher: Person, read: list[int]
) -> None:
    path = f"/api/projects/{make(ada, visibility='class')['id']}"
    before = len(read)
    for tag in (
        '"x"',
        '"0-x"',
        '"99999999999999999999"',
        'W/"7"',
        '"a',
        "a, b",
        "",
        '""',
        'W/""',
        '"",',
        '"0-x", ""',
    ):
        stale = ada.client.patch(path, json={"body": TABLE}, headers={"If-Match": tag})
        assert stale.status_code == 412, tag
    assert teacher.client.patch(path, json={"body": TABLE}).status_code == 403
    assert len(read) == before


def test_a_tag_that_a_proxy_made_weak_still_guards(ada: Person) -> None:
    """Nginx does so where it compresses."""
    path = f"/api/projects/{make(ada)['id']}"
    old = {"If-Match": f"W/{ada.client.get(path).headers['ETag']}"}
    assert ada.client.patch(path, json={"title": "One"}, headers=old).status_code == 200
    assert ada.client.patch(path, json={"title": "Two"}, headers=old).status_code == 412
    assert ada.client.patch(path, json={"title": "Three"}, headers={"If-Match": "*"}).status_code == 200


def test_who_knows_an_older_version_neither_deletes_nor_hides(ada: Person, teacher: Person) -> None:
    path = f"/api/projects/{make(ada, visibility='class')['id']}"
    old = {"If-Match": ada.client.get(path).headers["ETag"]}
    assert ada.client.patch(path, json={"title": "Newer"}).status_code == 200
    assert ada.client.delete(path, headers=old).status_code == 412
    assert teacher.client.put(f"{path}/hidden", json={"reason": "No."}, headers=old).status_code == 412
    assert teacher.client.delete(f"{path}/hidden", headers=old).status_code == 412
    fresh = {"If-Match": teacher.client.get(path).headers["ETag"]}
    assert teacher.client.put(f"{path}/hidden", json={"reason": "No."}, headers=fresh).status_code == 200
    fresh = {"If-Match": ada.client.get(path).headers["ETag"]}
    assert ada.client.delete(path, headers=fresh).status_code == 200


def test_hiding_a_project_is_a_change_that_tags_tell(ada: Person, teacher: Person) -> None:
    path = f"/api/projects/{make(ada, visibility='class')['id']}"
    tag = ada.client.get(path).headers["ETag"]
    teacher.client.put(f"{path}/hidden", json={"reason": "No."})
    assert ada.client.patch(path, json={"title": "T"}, headers={"If-Match": tag}).status_code == 412


@pytest.mark.timeout(60)
def test_one_who_sends_many_costly_texts_keeps_nobody_else_waiting(
    app: APIFlask, ada: Person, make_person: MakePerson
) -> None:
    """Thirty-six at once: some of theirs are told to wait, and nobody else's."""
    body, grace = {"body": "[\n" * 1_990}, make_person("grace")
    cookie = ada.client.get_cookie("jwt").value

    def preview(_number: int) -> int:
        client = app.test_client()
        client.set_cookie("jwt", cookie)
        return client.post("/api/projects/preview", json=body).status_code

    with ThreadPoolExecutor(36) as pool:
        statuses = [pool.submit(preview, number) for number in range(36)]
        others = [grace.client.post("/api/projects/preview", json={"body": "*hi*"}) for _ in range(3)]
        told = {status.result() for status in statuses}
    assert [answer.status_code for answer in others] == [200] * 3
    assert told <= {200, 429, 503}


def test_whose_texts_kept_the_processor_for_very_long_waits_and_nobody_else(
    ada: Person, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clock = f"/api/projects/{make(ada)['id']}", iter(range(0, 1000, 3))
    with monkeypatch.context() as slow:
        # Each text takes three seconds.
        slow.setattr(texts.time, "thread_time", lambda: next(clock))
        statuses = [
            ada.client.post("/api/projects/preview", json={"body": "*hi*"}).status_code for _ in range(3)
        ]
    assert statuses == [200, 200, 429]
    assert ada.client.patch(path, json={"title": "No text"}).status_code == 200
    refused = ada.client.patch(path, json={"body": "*hi*"})
    assert (refused.status_code, int(refused.headers["Retry-After"]) in range(1, 7)) == (429, True)
    grace = make_person("grace")
    assert grace.client.post("/api/projects/preview", json={"body": "*hi*"}).status_code == 200
    later = time.monotonic() + 10
    monkeypatch.setattr(reading_time.time, "monotonic", lambda: later)
    assert ada.client.post("/api/projects/preview", json={"body": "*hi*"}).status_code == 200


def test_who_has_waited_long_enough_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    times = reading_time.ReadingTimes()
    for person in range(3_000):
        later = person / 10
        monkeypatch.setattr(reading_time.time, "monotonic", lambda later=later: later)
        times.note(person, 0.2)
        assert len(times._levels) <= 1_001


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
def test_a_text_has_at_most_two_thousand_lines(ada: Person, ending: str, read: list[int]) -> None:
    """Each is compared with every quotation that is open, which nothing counts while it is parsed."""
    for lines, status in ((2_000, 200), (2_001, 422)):
        answer = ada.client.post("/api/projects/preview", json={"body": "> " * 19 + ending.join("a" * lines)})
        assert answer.status_code == status
    assert "at most 2,000 lines" in answer.json["errors"][0]["detail"]
    assert len(read) == 1, "the second was not parsed"


def test_a_text_without_a_tree_is_read_once_and_nothing_is_written(
    app: APIFlask, ada: Person, guest: FlaskClient, read: list[int]
) -> None:
    # What one process has read for another test, it remembers.
    new = uuid4().hex
    path = f"/api/projects/{make(ada, visibility='public')['id']}"
    store(app, int(path.split("/")[-1]), body=f"Old *and* {new}.", tree=None, tree_source=None)
    before = len(read)
    for client in (guest, guest, ada.client):
        assert text_of(client.get(path).json["content"]) == f"Old and {new}."
    assert len(read) == before + 1
    with app.app_context():
        assert db.session.scalars(db.select(Project.tree)).all() == [None]


def test_a_text_from_before_the_bounds_is_shown_as_it_was_written(
    app: APIFlask, ada: Person, guest: FlaskClient
) -> None:
    path = f"/api/projects/{make(ada, visibility='public')['id']}"
    store(app, int(path.split("/")[-1]), body=TABLE, tree=None, tree_source=None)
    answer = guest.get(path)
    assert answer.status_code == 200
    assert answer.json["content"] == [{"tag": "pre", "children": [{"tag": "code", "children": [TABLE]}]}]
    assert ada.client.patch(path, json={"title": "Still mine"}).status_code == 200


@pytest.mark.migrates
def test_the_migration_goes_down_and_up_with_projects_in_the_tables(app: APIFlask, ada: Person) -> None:
    path = f"/api/projects/{make(ada, body='*kept*', tags=['a'])['id']}"
    with app.app_context():
        db.session.remove()
        flask_migrate.downgrade(revision="0004")
        flask_migrate.upgrade()
    answer = ada.client.get(path)
    assert text_of(answer.json["content"]) == "kept"
    assert answer.json["tags"] == ["a"]
    guard = {"If-Match": answer.headers["ETag"]}
    assert ada.client.patch(path, json={"title": "T"}, headers=guard).status_code == 200


def test_a_tree_of_another_text_or_renderer_is_not_shown(
    app: APIFlask, ada: Person, guest: FlaskClient
) -> None:
    """The version before runs beside this one while the site is updated, and writes no tree."""
    path = f"/api/projects/{make(ada, body='one', visibility='public')['id']}"
    tag = guest.get(path).headers["ETag"]
    store(app, int(path.split("/")[-1]), body="two")
    answer = guest.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert text_of(answer.json["content"]) == "two"
    store(app, int(path.split("/")[-1]), body="three", tree='["four"]', tree_source="0-of another renderer")
    assert text_of(guest.get(path).json["content"]) == "three"
