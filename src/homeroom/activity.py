"""What happened lately, for the staff: told from the moments that the class's own rows keep.

Nothing is recorded for it, so nothing is left when a row goes: what somebody deleted, the staff does
not read about. A draft is its owner's alone, here too.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, RootModel
from sqlalchemy import Select, literal, null, or_, select, type_coerce, union_all
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, contains_eager, relationship

from homeroom.answers import PAGE_DESCRIPTION, page_answer
from homeroom.auth.guard import token_required
from homeroom.auth.models import Id, Role, User
from homeroom.db import Base, db
from homeroom.pagination import Order, Page, bounded_count, keyset_page
from homeroom.portfolio.models import Project, ProjectPicture
from homeroom.portfolio.queries import visible_projects
from homeroom.schema import Output, Query, StorableText
from homeroom.uploads.models import Picture, Purpose

bp = APIBlueprint("activity", __name__, url_prefix="/api", tag="Class")

# A row's two moments are taken one after the other when it is made.
_MADE_WITHIN = timedelta(seconds=1)


class Source(StrEnum):
    """Which moment of which table an event is told from."""

    ACCOUNT = "account"
    PROJECT = "project"
    HIDING = "hiding"
    PICTURE = "picture"
    PORTRAIT = "portrait"


class Kind(StrEnum):
    """What happened."""

    ACCOUNT_MADE = "account_made"
    ACCOUNT_WAITS = "account_waits"
    PROJECT_MADE = "project_made"
    PROJECT_CHANGED = "project_changed"
    PROJECT_HIDDEN = "project_hidden"
    PICTURE_ADDED = "picture_added"
    PORTRAIT_CHOSEN = "portrait_chosen"


def _moments(
    source: Source,
    at: InstrumentedAttribute[Any],
    row_id: InstrumentedAttribute[int],
    user_id: InstrumentedAttribute[int],
    project_id: InstrumentedAttribute[int] | None = None,
) -> Select[Any]:
    """One table's part. `number` is unique among all parts, and grows as the rows of each do."""
    numbered = row_id * len(Source) + list(Source).index(source)
    return select(
        at.label("at"),
        numbered.label("number"),
        literal(source.value).label("source"),
        user_id.label("user_id"),
        (type_coerce(null(), Id) if project_id is None else project_id).label("project_id"),
    )


_EVENTS = union_all(
    _moments(Source.ACCOUNT, User.created_at, User.id, User.id),
    _moments(Source.PROJECT, Project.updated_at, Project.id, Project.owner_id, Project.id),
    _moments(Source.HIDING, Project.hidden_at, Project.id, Project.owner_id, Project.id).where(
        Project.hidden_at.is_not(None)
    ),
    _moments(
        Source.PICTURE, Picture.created_at, Picture.id, Picture.owner_id, ProjectPicture.project_id
    ).join(ProjectPicture, ProjectPicture.picture_id == Picture.id),
    _moments(Source.PORTRAIT, Picture.created_at, Picture.id, Picture.owner_id).where(
        Picture.purpose == Purpose.AVATAR, Picture.attached
    ),
).subquery("events")


class Event(Base):
    """Something that happened to somebody; a view of the other tables, with no table of its own."""

    __table__ = _EVENTS
    __mapper_args__ = {"primary_key": [_EVENTS.c.number]}  # noqa: RUF012  SQLAlchemy's own way

    at: Mapped[datetime]
    number: Mapped[int]
    source: Mapped[str]
    user_id: Mapped[int]
    project_id: Mapped[int | None]

    user: Mapped[User] = relationship(
        primaryjoin=lambda: Event.user_id == User.id, foreign_keys=_EVENTS.c.user_id, viewonly=True
    )
    project: Mapped[Project | None] = relationship(
        primaryjoin=lambda: Event.project_id == Project.id, foreign_keys=_EVENTS.c.project_id, viewonly=True
    )

    @property
    def kind(self) -> Kind:
        if self.source == Source.ACCOUNT:
            return Kind.ACCOUNT_WAITS if self.user.pending else Kind.ACCOUNT_MADE
        if self.source == Source.PROJECT:
            assert self.project is not None
            new = self.at - self.project.created_at < _MADE_WITHIN
            return Kind.PROJECT_MADE if new else Kind.PROJECT_CHANGED
        return {
            Source.HIDING: Kind.PROJECT_HIDDEN,
            Source.PICTURE: Kind.PICTURE_ADDED,
            Source.PORTRAIT: Kind.PORTRAIT_CHOSEN,
        }[Source(self.source)]


_LATEST_FIRST = Order(Event.at, Event.number, descending=True)


class ActivityQuery(Query):
    """How much, from where."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: StorableText | None = Field(default=None, max_length=2000)


class EventUserOut(Output):
    """Whom it happened to: whose account, project or picture it is."""

    id: int
    uid: str
    name: str


class EventProjectOut(Output):
    """The project that it is about."""

    id: int
    title: str


class EventOut(Output):
    """Something that happened."""

    kind: Kind
    at: str
    user: EventUserOut
    project: EventProjectOut | None
    reason: str | None = Field(description="Why a project was hidden.")


class EventsOut(RootModel[list[EventOut]]):
    """Events, as an array, the latest first."""


@bp.get("/activity")
@bp.doc(security="session")
@token_required([Role.TEACHER, Role.ADMIN])
@bp.input(ActivityQuery, location="query")
@bp.output(EventsOut, description=PAGE_DESCRIPTION)
def activity(user: User, query_data: ActivityQuery) -> Response:
    """Accounts, projects and pictures of late, the latest first; of drafts only one's own."""
    page, total = _events_page(db.session(), query_data, user)
    return page_answer([_show(event) for event in page.rows], page, total)


def _events_page(session: Session, query: ActivityQuery, viewer: User) -> tuple[Page[Event], int | None]:
    statement = (
        select(Event)
        .join(Event.user)
        .outerjoin(Event.project)
        .where(or_(Event.project_id.is_(None), visible_projects(viewer)))
    )
    page = keyset_page(
        lambda part: session.scalars(part).all(),
        statement.options(contains_eager(Event.user), contains_eager(Event.project)),
        _LATEST_FIRST,
        limit=query.limit,
        cursor=query.cursor,
    )
    counted = statement.with_only_columns(Event.number)
    return page, bounded_count(lambda part: session.scalars(part).all(), counted)


def _show(event: Event) -> dict[str, Any]:
    user, project = event.user, event.project
    hidden = event.source == Source.HIDING
    return {
        "kind": event.kind.value,
        "at": event.at.isoformat(timespec="seconds"),
        "user": {"id": user.id, "uid": user.uid, "name": user.name},
        "project": None if project is None else {"id": project.id, "title": project.title},
        "reason": project.hidden_reason if project is not None and hidden else None,
    }
