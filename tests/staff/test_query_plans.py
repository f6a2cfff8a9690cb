"""The staff's page costs the same in a class and in a university: the databases' own plans say so."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import insert, text

from homeroom.auth.models import User
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.portfolio.models import Project, ProjectPicture, Visibility
from homeroom.uploads.models import Picture, Purpose
from homeroom.uploads.renditions import PictureType
from homeroom.uploads.room import taken_by_class
from tests.conftest import MakeApp, Person
from tests.plans import plans

# Enough that PostgreSQL prefers an index by itself.
ROWS = 20_000
PURPOSES = (Purpose.PROJECT, Purpose.AVATAR)
TABLES = "users|projects|pictures|project_pictures"

Plans = Callable[[Callable[[], Any]], list[str]]


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    # What is answered from memory reads nothing.
    return make_app(read_path=False)


@pytest.fixture
def plans_of(app: APIFlask, admin: Person) -> Plans:
    """Does something and returns the plan of each statement that read a large table for it."""
    first = admin.id + 1
    numbers = range(first, first + ROWS)
    now = utc_now()
    with app.app_context(), write_transaction() as session:
        session.execute(insert(User), [
            {"id": n, "uid": f"u{n}", "uid_key": f"u{n}", "name": f"N{n}", "name_key": f"n{n}",
             "roster_key": f"u{n}", "password_hash": None if n % 1000 == 0 else "x", "created_at": now}
            for n in numbers
        ])  # fmt: skip
        session.execute(insert(Project), [
            {"id": n, "owner_id": n, "title": f"T{n}", "title_key": f"t{n}", "visibility": Visibility.CLASS,
             "hidden_at": now if n == first else None, "hidden_reason": "Why" if n == first else None,
             "created_at": now, "updated_at": now, "shared_at": now - timedelta(days=n % 2)}
            for n in numbers
        ])  # fmt: skip
        session.execute(insert(Picture), [
            {"id": n, "owner_id": n, "purpose": PURPOSES[n % 20 == 0],
             "attached": True, "width": 1, "height": 1, "bytes": 1, "digest": f"d{n}",
             "type": PictureType.PNG, "created_at": now}
            for n in numbers
        ])  # fmt: skip
        session.execute(
            insert(ProjectPicture),
            [{"project_id": n, "position": 0, "picture_id": n, "alt": ""} for n in numbers if n % 20],
        )

    def watch(do: Callable[[], Any]) -> list[str]:
        reads_much = re.compile(rf"^SELECT\b.*\b(FROM|JOIN) ({TABLES})\b", re.DOTALL)
        return plans(app, do, lambda sql: bool(reads_much.search(sql)))

    return watch


def analyse(app: APIFlask) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(text("ANALYZE"))


def assert_along_indexes(plan: str) -> None:
    assert not re.search(rf"Seq Scan on ({TABLES})\b", plan), plan
    assert not re.search(rf"SCAN ({TABLES})(?! USING)", plan), plan


PATHS = (
    "/api/overview",
    "/api/activity",
    "/api/activity?limit=100&cursor=WyIyMTAwLTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwxMDAwMDBd",
    "/api/projects/?hidden=true",
    "/api/projects/?hidden=true&sort=created_at",
    "/api/projects/?hidden=true&sort=title",
    "/api/roster/codes",
)


def test_the_staffs_lists_are_read_along_an_index(app: APIFlask, admin: Person, plans_of: Plans) -> None:
    def ask(path: str) -> None:
        answer = admin.client.get(path)
        assert answer.status_code == 200, answer.json

    with app.app_context():
        sqlite = db.engine.dialect.name == "sqlite"
    # SQLite knows nothing of its tables until it is told; PostgreSQL finds out by itself.
    for analysed in (False, True) if sqlite else (True,):
        if analysed:
            analyse(app)
        for path in PATHS:
            plans = plans_of(partial(ask, path))
            assert plans
            for plan in plans:
                assert_along_indexes(plan)
                # All along an index that holds what is not hidden is no better than none.
                assert "projects" not in path or "ix_projects_title_key_id" not in plan, plan
            if "activity" in path:
                # Sorting all that were changed since they were shared is no better than a scan.
                assert any("ix_projects_shared_at_id" in plan for plan in plans)


def test_the_overview_reads_no_rows_but_the_readers_own(
    app: APIFlask, admin: Person, plans_of: Plans
) -> None:
    for plan in plans_of(lambda: admin.client.get("/api/overview")):
        assert re.search(r"SEARCH users|pk_users", plan), plan
        assert not re.search(r"projects|pictures", plan), plan


def test_the_room_of_the_class_is_not_added_up(app: APIFlask, plans_of: Plans) -> None:
    assert plans_of(lambda: taken_by_class(db.session())) == []
