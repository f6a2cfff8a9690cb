"""The class at a glance, for the staff: who has joined, what is shown, how much is kept."""

from datetime import datetime, timedelta

from apiflask import APIBlueprint
from flask import Response, jsonify
from sqlalchemy import case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from homeroom.auth.guard import token_required
from homeroom.auth.models import Role, User
from homeroom.config import current_config
from homeroom.db import db, utc_now
from homeroom.portfolio.models import Project, Visibility
from homeroom.schema import Output
from homeroom.uploads.models import Picture

bp = APIBlueprint("overview", __name__, url_prefix="/api", tag="Class")

DAYS_SHOWN = 60


class DayCount(Output):
    """How many on one day of the class's time zone."""

    day: str
    count: int


class OverviewOut(Output):
    """The class in numbers."""

    users: dict[str, int]
    projects: dict[str, int]
    projects_by_day: list[DayCount]
    users_by_day: list[DayCount]
    storage_bytes: int


@bp.get("/overview")
@bp.doc(security="session")
@token_required([Role.TEACHER, Role.ADMIN])
@bp.output(OverviewOut)
def overview(_user: User) -> Response:
    """Who has joined, projects over time, storage used."""
    session = db.session()
    return jsonify(
        users=_count_users(session),
        projects=_count_projects(session),
        projects_by_day=_by_day(session, Project.created_at),
        users_by_day=_by_day(session, User.created_at),
        storage_bytes=session.scalars(select(func.coalesce(func.sum(Picture.bytes), 0))).one(),
    )


def _count_users(session: Session) -> dict[str, int]:
    status = case((User.pending, "pending"), (User.password_hash.is_(None), "invited"), else_="active")
    counted = session.execute(select(status, func.count()).group_by(status))
    return {"active": 0, "invited": 0, "pending": 0} | {str(word): count for word, count in counted}


def _count_projects(session: Session) -> dict[str, int]:
    counted = session.execute(select(Project.visibility, func.count()).group_by(Project.visibility))
    counts = {word.value: 0 for word in Visibility} | {word.value: count for word, count in counted}
    hidden = select(func.count(Project.id)).where(Project.hidden_at.is_not(None))
    return counts | {"hidden": session.scalars(hidden).one()}


def _by_day(session: Session, moment: InstrumentedAttribute[datetime]) -> list[dict[str, str | int]]:
    """How many a day, in the class's time zone; days without any are there with a zero.

    Days are counted here and not by the database: SQLite knows no time zones.
    """
    zone = current_config().zone
    today = utc_now().astimezone(zone).date()
    first = today - timedelta(days=DAYS_SHOWN - 1)
    since = datetime.combine(first, datetime.min.time(), zone)
    days = {first + timedelta(days=number): 0 for number in range(DAYS_SHOWN)}
    for created_at in session.scalars(select(moment).where(moment >= since)):
        day = created_at.astimezone(zone).date()
        # A clock that was set back leaves rows from tomorrow.
        days[min(day, today)] += 1
    return [{"day": day.isoformat(), "count": count} for day, count in days.items()]
