"""The tallies: whatever is written, by whichever way, they are what counting the rows would give."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from homeroom.auth.models import User
from homeroom.data.database import db
from homeroom.data.tallies import SLOT_S, Series, Tally, TallyChange, Total, read_counts, read_total
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.portfolio.models import Project, Visibility
from homeroom.uploads.models import Picture, Purpose
from homeroom.uploads.renditions import PictureType
from tests.conftest import MakeApp, MakePerson, Person

Tallies = Counter[tuple[str, int]]


def kept(session: Session) -> Tallies:
    """What the triggers kept, both tables together; a tally of zero is none."""
    found: Tallies = Counter()
    for table in (Tally, TallyChange):
        for kind, slot, count in session.execute(select(table.kind, table.slot, table.count)):
            found[kind, slot] += count
    return Counter({key: count for key, count in found.items() if count})


def counted(session: Session) -> Tallies:
    """The same from the rows themselves."""
    found: Tallies = Counter()
    for user in session.scalars(select(User)):
        found[f"users_{user.status}", 0] += 1
        found["users_made", slot_of(user.created_at)] += 1
    for project in session.scalars(select(Project)):
        found[f"projects_{project.visibility}", 0] += 1
        found["projects_hidden", 0] += project.hidden_at is not None
        found["projects_made", slot_of(project.created_at)] += 1
    for picture in session.scalars(select(Picture)):
        found["pictures_bytes", 0] += picture.bytes
        found["pictures_made", slot_of(picture.created_at)] += picture.bytes
    return Counter({key: count for key, count in found.items() if count})


def slot_of(moment: datetime) -> int:
    return int(moment.timestamp()) // SLOT_S


def check(app: APIFlask) -> None:
    with app.app_context():
        assert kept(db.session()) == counted(db.session())


def user_row(number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "uid": f"u{number}", "uid_key": f"u{number}", "name": "N", "name_key": "n",
        "pending": chance.random() < 0.3, "password_hash": chance.choice([None, "x"]),
        "created_at": some_moment(chance),
    }  # fmt: skip


def some_moment(chance: random.Random) -> datetime:
    """Often the last or the first of a quarter of an hour, where SQLite's own rounding would be wrong."""
    quarter = datetime(2026, 11, 1, tzinfo=UTC) + chance.randrange(200) * timedelta(minutes=15)
    return quarter + chance.choice([timedelta(), timedelta(microseconds=-1), timedelta(minutes=7)])


def project_row(number: int, owner_id: int, chance: random.Random) -> dict[str, Any]:
    return {
        "owner_id": owner_id, "title": f"T{number}", "title_key": f"t{number}",
        "visibility": chance.choice(list(Visibility)), "hidden_at": chance.choice([None, utc_now()]),
        "created_at": some_moment(chance),
    }  # fmt: skip


def picture_row(number: int, owner_id: int, chance: random.Random) -> dict[str, Any]:
    return {
        "owner_id": owner_id, "purpose": Purpose.PROJECT, "attached": True, "width": 1, "height": 1,
        "bytes": chance.randrange(2**31), "digest": f"d{number}", "type": PictureType.PNG,
        "created_at": some_moment(chance),
    }  # fmt: skip


class Changes:
    """Random statements on the three tables, of one row and of many."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.number = 0

    def one(self, session: Session) -> None:
        self.chance.choice([self.add, self.add, self.change, self.change_plainly, self.move, self.remove])(
            session
        )

    def _new(self) -> int:
        self.number += 1
        return self.number

    def add(self, session: Session) -> None:
        session.execute(insert(User), [user_row(self._new(), self.chance) for _ in range(4)])
        owners = session.scalars(select(User.id)).all()
        for model, make in ((Project, project_row), (Picture, picture_row)):
            rows = [make(self._new(), self.chance.choice(owners), self.chance) for _ in range(3)]
            session.execute(insert(model), rows)

    def _some(self, session: Session, model: type[User | Project | Picture]) -> list[int]:
        ids = session.scalars(select(model.id).order_by(model.id)).all()
        return self.chance.sample(ids, min(len(ids), 3))

    def change(self, session: Session) -> None:
        for model, columns in (
            (User, {"pending": self.chance.random() < 0.5, "password_hash": self.chance.choice([None, "y"])}),
            (
                Project,
                {"visibility": Visibility.PUBLIC, "hidden_at": self.chance.choice([None, utc_now()])},
            ),
            (Picture, {"bytes": self.chance.randrange(2**31)}),
        ):
            ids = self._some(session, model)
            session.execute(update(model).where(model.id.in_(ids)).values(columns))

    def change_plainly(self, session: Session) -> None:
        """What no tally is about."""
        session.execute(update(User).values(name="Another"))
        session.execute(update(Project).values(summary="Another"))
        session.execute(update(Picture).values(width=2))

    def move(self, session: Session) -> None:
        for model in (User, Project, Picture):
            moved = update(model).where(model.id.in_(self._some(session, model)))
            session.execute(moved.values(created_at=some_moment(self.chance)))

    def remove(self, session: Session) -> None:
        model = self.chance.choice([User, Project, Picture])
        session.execute(delete(model).where(model.id.in_(self._some(session, model))))


@pytest.mark.parametrize("seed", range(4))
def test_the_tallies_are_what_counting_gives_after_any_changes(app: APIFlask, seed: int) -> None:
    changes = Changes(seed)
    for _ in range(30):
        with app.app_context(), write_transaction() as session:
            for _ in range(changes.chance.randrange(1, 4)):
                changes.one(session)
            if changes.chance.random() < 0.3:
                with session.begin_nested() as nested:
                    changes.one(session)
                    nested.rollback()
        check(app)


def test_a_change_that_is_taken_back_leaves_them(app: APIFlask, ada: Person) -> None:
    with app.app_context(), pytest.raises(ZeroDivisionError), write_transaction() as session:
        Changes(0).add(session)
        raise ZeroDivisionError
    check(app)


def test_they_go_with_a_user_whose_works_go_too(app: APIFlask, ada: Person) -> None:
    chance = random.Random(0)
    with app.app_context(), write_transaction() as session:
        session.execute(insert(Project), [project_row(n, ada.id, chance) for n in range(5)])
        session.execute(insert(Picture), [picture_row(n, ada.id, chance) for n in range(5)])
    with app.app_context(), write_transaction() as session:
        session.execute(delete(User))
    check(app)
    with app.app_context():
        assert not kept(db.session())


@pytest.mark.migrates
def test_the_migration_counts_what_is_there(app: APIFlask) -> None:
    with app.app_context(), write_transaction() as session:
        Changes(1).add(session)
    check(app)
    with app.app_context():
        db.session.remove()
        flask_migrate.downgrade(revision="0007")
    with app.app_context(), write_transaction() as session:
        session.execute(update(User).values(pending=True))
    with app.app_context():
        db.session.remove()
        flask_migrate.upgrade()
        flask_migrate.check()
        assert kept(db.session())["users_pending", 0] == 4
    check(app)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["users", "projects", "pictures"])
def test_emptying_a_table_empties_its_tallies(app: APIFlask, table: str) -> None:
    with app.app_context(), write_transaction() as session:
        Changes(0).add(session)
    with app.app_context(), write_transaction() as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))
    check(app)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_changes_are_moved_into_the_tallies_before_they_are_many(app: APIFlask) -> None:
    most = 0
    for number in range(300):
        with app.app_context(), write_transaction() as session:
            session.execute(insert(User), [user_row(number, random.Random(number))])
        with app.app_context():
            most = max(most, db.session.scalars(select(func.count()).select_from(TallyChange)).one())
    assert 100 < most < 300
    check(app)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_transaction_of_many_statements_leaves_few_changes(app: APIFlask) -> None:
    with app.app_context(), write_transaction() as session:
        for number in range(600):
            session.execute(insert(User), [user_row(number, random.Random(number))])
    with app.app_context():
        assert db.session.scalars(select(func.count()).select_from(TallyChange)).one() == 0
    check(app)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_writers_do_not_wait_for_each_others_tallies(app: APIFlask) -> None:
    """Both add to the same totals, and the first one does not commit before the second one has."""

    def write(number: int) -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            # Enough for the changes to be moved, while another one is about to.
            for step in range(150):
                connection.execute(
                    insert(Picture), picture_row(number * 1000 + step, owner, random.Random(number))
                )
            both_have_written.wait(timeout=30)

    both_have_written = Barrier(2)
    with app.app_context(), write_transaction() as session:
        session.execute(insert(User), [user_row(1, random.Random(1))])
        owner = session.scalars(select(User.id)).one()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (1, 2)))
    check(app)


def test_counts_are_given_by_spans_of_any_length(app: APIFlask) -> None:
    chance = random.Random(3)
    moments = [some_moment(chance) for _ in range(60)]
    with app.app_context(), write_transaction() as session:
        rows = [user_row(n, chance) | {"created_at": moment} for n, moment in enumerate(moments)]
        session.execute(insert(User), rows)
    quarters = sorted(chance.sample(range(200), 12))
    begins = [datetime(2026, 11, 1, tzinfo=UTC) + quarter * timedelta(minutes=15) for quarter in quarters]
    with app.app_context():
        spans = read_counts(db.session(), begins).spans
    ends = [*begins[1:], datetime.max.replace(tzinfo=UTC)]
    assert spans[Series.USERS] == [
        sum(first <= moment < after for moment in moments) for first, after in zip(begins, ends, strict=True)
    ]


def test_one_total_is_what_all_of_them_say(app: APIFlask) -> None:
    with app.app_context(), write_transaction() as session:
        Changes(0).add(session)
    with app.app_context():
        totals = read_counts(db.session(), [utc_now()]).totals
        assert totals == {total: read_total(db.session(), total) for total in Total}
        assert totals[Total.PICTURES_BYTES] > 0


ZONES = ("UTC", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York", "Europe/Berlin")


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_those_of_the_classs_zone_where_clocks_change_too(
    make_app: MakeApp, make_person: MakePerson, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(time_zone=zone)
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    monkeypatch.setattr("homeroom.staff.overview.utc_now", lambda: now)
    teacher = make_person("teacher", role="Teacher", of=app, created_at=now - timedelta(days=200))
    chance = random.Random(zone)
    moments = [now - timedelta(seconds=chance.randrange(70 * 86400)) for _ in range(200)]
    with app.app_context(), write_transaction() as session:
        rows = [user_row(n, chance) | {"created_at": moment} for n, moment in enumerate(moments)]
        session.execute(insert(User), rows)
    seen = teacher.client.get("/api/overview").json["users_by_day"]
    days = Counter(moment.astimezone(ZoneInfo(zone)).date().isoformat() for moment in moments)
    assert [day["count"] for day in seen] == [days[day["day"]] for day in seen]
    assert sum(day["count"] for day in seen) > 100
