"""The directory's row: raised by every change of what a list of users is made of, and by nothing else."""

from collections.abc import Callable

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from homeroom.auth.models import Directory, User
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.uploads.models import Picture, Purpose
from homeroom.uploads.renditions import PictureType
from tests.conftest import MakePerson, Person


def state(app: APIFlask) -> Row[tuple[int, int, int]]:
    with app.app_context():
        return db.session.execute(select(Directory.version, Directory.members, Directory.pending)).one()


def picture(owner_id: int, purpose: Purpose, *, attached: bool = True) -> Picture:
    return Picture(
        owner_id=owner_id, purpose=purpose, attached=attached, width=1, height=1, bytes=1,
        digest=f"{owner_id}{purpose}{attached}", type=PictureType.PNG,
    )  # fmt: skip


def rename(session: Session, user_id: int) -> None:
    session.get_one(User, user_id).rename(name="Another")


def change_plainly(session: Session, user_id: int) -> None:
    session.execute(update(User).where(User.id == user_id).values(role="Teacher"))


def give_avatar(session: Session, user_id: int) -> None:
    session.add(picture(user_id, Purpose.AVATAR))


def remove(session: Session, user_id: int) -> None:
    session.execute(delete(User).where(User.id == user_id))


@pytest.mark.parametrize("change", [rename, change_plainly, give_avatar, remove])
def test_every_change_of_a_list_raises_the_version(
    app: APIFlask, make_person: MakePerson, change: Callable[[Session, int], None]
) -> None:
    person = make_person("ada", signed_in=False)
    before = state(app)
    with app.app_context(), write_transaction() as session:
        change(session, person.id)
    assert state(app)[0] > before[0]


def test_an_avatar_taken_away_raises_the_version(app: APIFlask, ada: Person) -> None:
    with app.app_context(), write_transaction() as session:
        session.add(picture(ada.id, Purpose.AVATAR))
    for change in (update(Picture).values(attached=False), delete(Picture)):
        before = state(app)
        with app.app_context(), write_transaction() as session:
            session.execute(change)
        assert state(app)[0] > before[0]


def test_signing_in_and_other_pictures_leave_the_version(app: APIFlask, ada: Person) -> None:
    before = state(app)
    assert ada.sign_in().status_code == 200
    assert ada.sign_in("wrong password").status_code == 401
    assert ada.client.delete("/api/authenticate").status_code == 200
    with app.app_context(), write_transaction() as session:
        session.add(picture(ada.id, Purpose.PROJECT))
    assert state(app) == before


def test_a_change_that_is_taken_back_leaves_the_version(app: APIFlask, ada: Person) -> None:
    before = state(app)
    with app.app_context(), pytest.raises(ZeroDivisionError), write_transaction() as session:
        session.execute(update(User).values(name="Nobody"))
        raise ZeroDivisionError
    assert state(app) == before


def test_the_counts_follow_every_way_of_writing(app: APIFlask, make_person: MakePerson) -> None:
    rows = [
        {"uid": f"u{n}", "uid_key": f"u{n}", "name": "N", "name_key": "n", "pending": n % 3 == 0}
        for n in range(20)
    ]

    def check() -> None:
        with app.app_context():
            counted = db.session.execute(
                select(
                    func.count().filter(User.pending.is_(False)), func.count().filter(User.pending.is_(True))
                ).select_from(User)
            ).one()
            assert state(app)[1:] == tuple(counted)

    for change in (
        insert(User).values(rows),
        update(User).where(User.pending.is_(True)).values(pending=False),
        update(User).where(User.uid.in_(["u1", "u2"])).values(pending=True),
        delete(User).where(User.uid.in_(["u2", "u3"])),
        delete(User),
    ):
        with app.app_context(), write_transaction() as session:
            session.execute(change)
        check()


def test_one_transaction_of_many_statements_counts_right(app: APIFlask, make_person: MakePerson) -> None:
    before = state(app)
    with app.app_context(), write_transaction() as session:
        for number in range(5):
            user = User(pending=number == 0)
            user.rename(name="N", uid=f"u{number}")
            session.add(user)
            session.flush()
        with session.begin_nested() as nested:
            session.execute(delete(User).where(User.uid == "u4"))
            nested.rollback()
        session.execute(delete(User).where(User.uid == "u3"))
    after = state(app)
    assert after[0] > before[0]
    assert (after[1] - before[1], after[2] - before[2]) == (3, 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_many_avatars_in_one_transaction_raise_the_version_once(
    app: APIFlask, make_person: MakePerson
) -> None:
    """Each time is a pass over what the times before left: a class's avatars took their square."""
    people = [make_person(f"u{number}", signed_in=False) for number in range(5)]
    before = state(app)
    with app.app_context(), write_transaction() as session:
        session.add_all(picture(person.id, Purpose.AVATAR) for person in people)
        session.flush()
        session.get_one(User, people[0].id).rename(name="Another")
    assert state(app)[0] - before[0] == 1
    with app.app_context(), write_transaction() as session:
        session.execute(delete(Picture))
    assert state(app)[0] - before[0] == 2


@pytest.mark.migrates
def test_the_migration_counts_the_users_that_are_there(app: APIFlask, make_person: MakePerson) -> None:
    for uid, pending in (("ada", False), ("bob", False), ("eve", True)):
        make_person(uid, signed_in=False, pending=pending)
    with app.app_context():
        db.session.remove()
        flask_migrate.downgrade(revision="0003")
        flask_migrate.upgrade()
        flask_migrate.check()
    assert state(app)[1:] == (2, 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_emptying_a_table_counts_anew(app: APIFlask, ada: Person) -> None:
    before = state(app)
    with app.app_context(), write_transaction() as session:
        session.execute(text("TRUNCATE users CASCADE"))
    assert state(app)[0] > before[0]
    assert state(app)[1:] == (0, 0)
