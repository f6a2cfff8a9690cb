"""What happened lately, for the staff: told from the moments that the class's own rows keep.

Nothing is recorded for it, so nothing is left when a row goes: what somebody deleted, the staff does
not read about. A draft is its owner's alone, here too.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field, RootModel
from sqlalchemy import ColumnElement, Row, SQLColumnExpression, String, literal, literal_column, null, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from homeroom.auth.guard import token_required
from homeroom.auth.models import User
from homeroom.auth.viewer import Viewer
from homeroom.data.database import db
from homeroom.portfolio.models import Project, ProjectPicture
from homeroom.portfolio.permissions import visible_projects
from homeroom.staff.permissions import SEE_CLASS
from homeroom.uploads.models import Picture, Purpose
from homeroom.web.answers import Answer, Blueprint, PageHeaders, page_answer
from homeroom.web.kept_answers import DependsOn, KeptRoute
from homeroom.web.pagination import CURSOR, LIMIT, AnySelect, Order, Page, bounded_count, merged_page
from homeroom.web.schema import Output, Query, StorableText

bp = Blueprint("activity", __name__, url_prefix="/api", tag="Class")

_Moment = InstrumentedAttribute[Any]
_RowId = InstrumentedAttribute[int]
_Part = tuple[AnySelect, Order]


class Source(StrEnum):
    """Which moment of which table an event is told from."""

    ACCOUNT = "account"
    PROJECT = "project"
    SHARING = "sharing"
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


def _part(source: Source, at: _Moment, row_id: _RowId, *columns: SQLColumnExpression[Any]) -> _Part:
    """One table's moments, each with whose it is; `number` is unique among all parts.

    Each is read along an index of its own, so that a page costs the same in a class and in a university.
    """
    statement = select(
        at.label("at"),
        (row_id * len(Source) + list(Source).index(source)).label("number"),
        literal(source.value).label("source"),
        User.id.label("user_id"),
        User.uid,
        User.name,
        User.pending,
        *columns,
    )
    return statement, Order(at, row_id, descending=True)


_PROJECT = (
    Project.id.label("project_id"),
    Project.title,
    Project.shared_at,
    Project.hidden_reason,
)
_NO_PROJECT = (null().label("project_id"),)


def _parts(viewer: Viewer) -> list[_Part]:
    """In the order of `Source`."""
    visible = visible_projects(viewer)
    account, account_order = _part(Source.ACCOUNT, User.created_at, User.id, *_NO_PROJECT)
    project, project_order = _part(Source.PROJECT, Project.updated_at, Project.id, *_PROJECT)
    sharing, sharing_order = _part(Source.SHARING, Project.shared_at, Project.id, *_PROJECT)
    hiding, hiding_order = _part(Source.HIDING, Project.hidden_at, Project.id, *_PROJECT)
    picture, picture_order = _part(Source.PICTURE, Picture.created_at, Picture.id, *_PROJECT)
    portrait, portrait_order = _part(Source.PORTRAIT, Picture.created_at, Picture.id, *_NO_PROJECT)
    return [
        (account, account_order),
        (project.join(Project.owner).where(visible), project_order),
        # Until it is changed, a project's last change is that it was shared.
        (
            sharing.join(Project.owner).where(Project.shared_at != Project.updated_at, visible),
            sharing_order,
        ),
        (hiding.join(Project.owner).where(Project.hidden_at.is_not(None), visible), hiding_order),
        (
            picture.select_from(Picture)
            .join(ProjectPicture, ProjectPicture.picture_id == Picture.id)
            .join(Project, Project.id == ProjectPicture.project_id)
            .join(Project.owner)
            .where(_for(Purpose.PROJECT), visible),
            picture_order,
        ),
        (
            portrait.select_from(Picture)
            .join(User, User.id == Picture.owner_id)
            .where(_for(Purpose.AVATAR), Picture.attached),
            portrait_order,
        ),
    ]


def _for(purpose: Purpose) -> ColumnElement[bool]:
    """A word of the statement, not a parameter of it: so both databases see that a partial index serves."""
    return Picture.purpose == literal_column(f"'{purpose}'", String)


def _kind(event: Row[Any]) -> Kind:
    if event.source == Source.ACCOUNT:
        return Kind.ACCOUNT_WAITS if event.pending else Kind.ACCOUNT_MADE
    if event.source == Source.PROJECT:
        return Kind.PROJECT_MADE if event.at == event.shared_at else Kind.PROJECT_CHANGED
    return {
        Source.SHARING: Kind.PROJECT_MADE,
        Source.HIDING: Kind.PROJECT_HIDDEN,
        Source.PICTURE: Kind.PICTURE_ADDED,
        Source.PORTRAIT: Kind.PORTRAIT_CHOSEN,
    }[Source(event.source)]


class ActivityQuery(Query):
    """How much, from where."""

    limit: int = Field(default=20, ge=1, le=100, description=LIMIT)
    cursor: StorableText | None = Field(default=None, max_length=2000, description=CURSOR)


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


KEPT_ROUTES = (KeptRoute("/api/activity", DependsOn.PORTFOLIO, frozenset(ActivityQuery.model_fields)),)


@bp.get("/activity")
@bp.doc(operation_id="list_activity")
@token_required(SEE_CLASS)
@bp.input(ActivityQuery, location="query")
@bp.output(EventsOut, headers=PageHeaders)
def activity(user: Viewer, query_data: ActivityQuery) -> Answer:
    """List recent accounts, projects and pictures, the latest first. Only your own drafts are included."""
    page, total = _events_page(db.session(), query_data, user)
    return page_answer([_show(event) for event in page.rows], page, total)


def _events_page(session: Session, query: ActivityQuery, viewer: Viewer) -> tuple[Page[Row[Any]], int | None]:
    parts = _parts(viewer)
    page = merged_page(
        lambda part: session.execute(part).all(), parts, limit=query.limit, cursor=query.cursor
    )
    # Counted along the same indexes, and no further than the bound.
    counted = (
        statement.with_only_columns(statement.selected_columns.number).order_by(*order.clauses())
        for statement, order in parts
    )
    return page, bounded_count(lambda part: session.scalars(part).all(), *counted)


def _show(event: Row[Any]) -> dict[str, Any]:
    about_project = event.project_id is not None
    return {
        "kind": _kind(event).value,
        "at": event.at.isoformat(timespec="seconds"),
        "user": {"id": event.user_id, "uid": event.uid, "name": event.name},
        "project": {"id": event.project_id, "title": event.title} if about_project else None,
        "reason": event.hidden_reason if event.source == Source.HIDING else None,
    }
