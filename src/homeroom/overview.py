"""The class at a glance, for the staff: who has joined, what is shown, how much is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
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
    count: int = Field(description="Of `storage_by_day`: bytes at the end of the day.")


class OverviewOut(Output):
    """The class in numbers."""

    users: dict[str, int]
    projects: dict[str, int]
    projects_by_day: list[DayCount]
    users_by_day: list[DayCount]
    storage_by_day: list[DayCount] = Field(description="Of the pictures that are still there.")
    storage_bytes: int
    max_storage_bytes: int = Field(description="All pictures of the class may take that many.")


@bp.get("/overview")
@bp.doc(security="session")
@token_required([Role.TEACHER, Role.ADMIN])
@bp.output(OverviewOut)
def overview(_user: User) -> Response:
    """Who has joined, projects over time, storage used."""
    session = db.session()
    calendar = _Calendar.ending_today()
    storage = _storage_by_day(session, calendar)
    return jsonify(
        users=_count_users(session),
        projects=_count_projects(session),
        projects_by_day=calendar.listed(_by_day(session, Project.created_at, calendar)),
        users_by_day=calendar.listed(_by_day(session, User.created_at, calendar)),
        storage_by_day=calendar.listed(storage),
        storage_bytes=storage[-1],
        max_storage_bytes=current_config().max_bytes_of_class,
    )


@dataclass(frozen=True)
class _Calendar:
    """The days that are shown, in the class's time zone: SQLite knows none, so days are counted here."""

    first: date
    zone: ZoneInfo

    @classmethod
    def ending_today(cls) -> "_Calendar":
        zone = current_config().zone
        return cls(utc_now().astimezone(zone).date() - timedelta(days=DAYS_SHOWN - 1), zone)

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.first, time.min, self.zone)

    def place_of(self, moment: datetime) -> int:
        """Which of the days a moment falls on; a clock that was set back leaves rows from tomorrow."""
        return min((moment.astimezone(self.zone).date() - self.first).days, DAYS_SHOWN - 1)

    def listed(self, counts: Sequence[int]) -> list[dict[str, str | int]]:
        days = (self.first + timedelta(days=number) for number in range(DAYS_SHOWN))
        return [{"day": day.isoformat(), "count": count} for day, count in zip(days, counts, strict=True)]


def _count_users(session: Session) -> dict[str, int]:
    status = case((User.pending, "pending"), (User.password_hash.is_(None), "invited"), else_="active")
    counted = session.execute(select(status, func.count()).group_by(status))
    return {"active": 0, "invited": 0, "pending": 0} | {str(word): count for word, count in counted}


def _count_projects(session: Session) -> dict[str, int]:
    counted = session.execute(select(Project.visibility, func.count()).group_by(Project.visibility))
    counts = {word.value: 0 for word in Visibility} | {word.value: count for word, count in counted}
    hidden = select(func.count(Project.id)).where(Project.hidden_at.is_not(None))
    return counts | {"hidden": session.scalars(hidden).one()}


def _by_day(session: Session, moment: InstrumentedAttribute[datetime], calendar: _Calendar) -> list[int]:
    """How many came on each day."""
    counts = [0] * DAYS_SHOWN
    for created_at in session.scalars(select(moment).where(moment >= calendar.begins)):
        counts[calendar.place_of(created_at)] += 1
    return counts


def _storage_by_day(session: Session, calendar: _Calendar) -> list[int]:
    """How many bytes of today's pictures there were at the end of each day; what was deleted is not in it."""
    before = select(func.coalesce(func.sum(Picture.bytes), 0)).where(Picture.created_at < calendar.begins)
    added = [0] * DAYS_SHOWN
    since = select(Picture.created_at, Picture.bytes).where(Picture.created_at >= calendar.begins)
    for created_at, size in session.execute(since):
        added[calendar.place_of(created_at)] += size
    return list(accumulate(added[1:], initial=session.scalars(before).one() + added[0]))
