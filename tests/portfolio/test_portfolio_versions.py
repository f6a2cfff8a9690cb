"""The versions that kept answers depend on: raised by every change of what they mean, and by nothing else."""

from collections.abc import Callable
from typing import NamedTuple

import flask_migrate
import pytest
from apiflask import APIFlask
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from homeroom.auth.models import Directory, DraftVersion, User
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.portfolio.models import Profile, Project, ProjectPicture, ProjectTag
from homeroom.uploads.models import Picture
from tests.conftest import Person
from tests.portfolio.test_projects import CLASS, DRAFT, make, upload

Change = Callable[[Session, int], object]


class State(NamedTuple):
    people: int
    portfolio: int
    drafts: int


def state(app: APIFlask, person: Person) -> State:
    with app.app_context():
        people, portfolio = db.session.execute(select(Directory.version, Directory.portfolio_version)).one()
        drafts = select(DraftVersion.version).where(DraftVersion.user_id == person.id)
        return State(people, portfolio, db.session.execute(drafts).scalar_one())


CHANGES: dict[str, Change] = {
    "a title": lambda session, one: session.execute(
        update(Project).where(Project.id == one).values(title="Another")
    ),
    "a new tag": lambda session, one: session.execute(
        insert(ProjectTag).values(project_id=one, position=5, tag="new", key="new")
    ),
    "a tag": lambda session, one: session.execute(
        update(ProjectTag).where(ProjectTag.project_id == one).values(tag="Other")
    ),
    "no tag": lambda session, one: session.execute(delete(ProjectTag).where(ProjectTag.project_id == one)),
    "a picture's words": lambda session, one: session.execute(
        update(ProjectPicture).where(ProjectPicture.project_id == one).values(alt="Words")
    ),
    "no picture": lambda session, one: session.execute(
        delete(Picture).where(
            Picture.id.in_(select(ProjectPicture.picture_id).where(ProjectPicture.project_id == one))
        )
    ),
    "hidden": lambda session, one: session.execute(
        update(Project).where(Project.id == one).values(hidden_reason="Because")
    ),
    "gone": lambda session, one: session.execute(delete(Project).where(Project.id == one)),
}


@pytest.mark.parametrize("visibility", [CLASS, "public", DRAFT])
def test_every_change_of_a_project_raises_the_version_of_those_who_see_it(
    app: APIFlask, ada: Person, visibility: str
) -> None:
    make(ada, visibility=DRAFT)
    for name, change in CHANGES.items():
        one = make(ada, visibility=visibility, tags=["a"], pictures=[{"id": upload(ada)}])["id"]
        before = state(app, ada)
        with app.app_context(), write_transaction() as session:
            change(session, one)
        after = state(app, ada)
        raised = State(*(now > then for now, then in zip(after, before, strict=True)))
        assert raised == State(False, visibility != DRAFT, visibility == DRAFT), name


def test_making_a_project_is_such_a_change(app: APIFlask, ada: Person) -> None:
    make(ada, visibility=DRAFT)
    states = [state(app, ada)]
    for visibility in (DRAFT, CLASS):
        make(ada, visibility=visibility)
        states.append(state(app, ada))
    drafts, shared = states[1], states[2]
    assert (drafts.drafts > states[0].drafts, drafts.portfolio) == (True, states[0].portfolio)
    assert (shared.portfolio > drafts.portfolio, shared.drafts) == (True, drafts.drafts)


@pytest.mark.parametrize(("visibility", "to"), [(DRAFT, CLASS), (CLASS, DRAFT)])
def test_what_is_shared_and_taken_back_is_told_to_the_class(
    app: APIFlask, ada: Person, visibility: str, to: str
) -> None:
    make(ada, visibility=DRAFT)
    one = make(ada, visibility=visibility)["id"]
    before = state(app, ada)
    assert ada.client.patch(f"/api/projects/{one}", json={"visibility": to}).status_code == 200
    assert state(app, ada).portfolio > before.portfolio


def test_what_people_say_of_themselves_is_told_to_the_class(app: APIFlask, ada: Person) -> None:
    make(ada, visibility=DRAFT)
    changes = (
        insert(Profile).values(user_id=ada.id, about="I build.", links=[]),
        update(Profile).values(shown_name="A."),
        delete(Profile),
    )
    for change in changes:
        before = state(app, ada)
        with app.app_context(), write_transaction() as session:
            session.execute(change)
        assert state(app, ada).portfolio > before.portfolio


def test_a_draft_and_people_leave_the_class_version(app: APIFlask, ada: Person, teacher: Person) -> None:
    make(ada, visibility=DRAFT)
    make(teacher, visibility=DRAFT)
    before = state(app, teacher)
    upload(ada)
    assert ada.sign_in().status_code == 200
    assert ada.client.patch(f"/api/users/{ada.id}", json={"name": "Ada King"}).status_code == 200
    make(ada, visibility=DRAFT, tags=["a"])
    assert state(app, teacher) == before._replace(people=state(app, teacher).people)


def test_who_leaves_takes_their_version_along_and_is_told_to_the_class(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    make(teacher, visibility=DRAFT)
    make(ada, visibility=CLASS)
    make(ada, visibility=DRAFT, tags=["a"])
    before = state(app, teacher)
    with app.app_context(), write_transaction() as session:
        session.execute(delete(User).where(User.id == ada.id))
    assert state(app, teacher).portfolio > before.portfolio
    with app.app_context():
        assert db.session.scalars(select(DraftVersion.user_id)).all() == [teacher.id]


def test_a_change_that_is_taken_back_leaves_the_versions(app: APIFlask, ada: Person) -> None:
    make(ada, visibility=DRAFT)
    make(ada, visibility=CLASS)
    before = state(app, ada)
    with app.app_context(), pytest.raises(ZeroDivisionError), write_transaction() as session:
        session.execute(update(Project).values(title="Nothing"))
        raise ZeroDivisionError
    assert state(app, ada) == before


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_many_changes_of_one_transaction_raise_the_classs_version_once(app: APIFlask, ada: Person) -> None:
    """Each time is a pass over what the times before left."""
    make(ada, visibility=DRAFT)
    for _ in range(5):
        make(ada, visibility=CLASS, tags=["a", "b"])
    before = state(app, ada)
    with app.app_context(), write_transaction() as session:
        session.execute(update(Project).values(summary="New"))
        session.execute(delete(ProjectTag))
    assert state(app, ada).portfolio == before.portfolio + 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_truncating_raises_the_versions(app: APIFlask, ada: Person) -> None:
    make(ada, visibility=DRAFT)
    before = state(app, ada)
    with app.app_context(), write_transaction() as session:
        session.execute(text("TRUNCATE projects CASCADE"))
    after = state(app, ada)
    assert after.portfolio > before.portfolio
    assert after.drafts > before.drafts


@pytest.mark.migrates
def test_the_migration_goes_down_and_up_with_drafts_in_the_tables(
    app: APIFlask, ada: Person, teacher: Person
) -> None:
    one = make(ada, visibility=DRAFT, tags=["a"])["id"]
    make(teacher, visibility=CLASS)
    with app.app_context():
        flask_migrate.downgrade(revision="0012")
        with write_transaction() as session:
            session.execute(update(Project).values(summary="As the version before writes"))
        flask_migrate.upgrade()
        flask_migrate.check()
        assert db.session.scalars(select(DraftVersion.user_id)).all() == [ada.id]
    before = state(app, ada)
    with app.app_context(), write_transaction() as session:
        session.execute(delete(ProjectTag).where(ProjectTag.project_id == one))
    assert state(app, ada).drafts > before.drafts
