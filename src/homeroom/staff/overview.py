"""The class at a glance, for the staff: how many have joined, what is shown, how much is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from homeroom.auth.guard import token_required
from homeroom.auth.models import Status
from homeroom.auth.viewer import Viewer
from homeroom.config import current_config
from homeroom.data.database import db
from homeroom.data.tallies import Counts, Series, Total, read_counts
from homeroom.data.types import utc_now
from homeroom.portfolio.models import Visibility
from homeroom.staff.permissions import SEE_CLASS
from homeroom.web.answers import Blueprint
from homeroom.web.kept_answers import DependsOn, KeptRoute
from homeroom.web.schema import Output

bp = Blueprint("overview", __name__, url_prefix="/api", tag="Class")

KEPT_ROUTES = (KeptRoute("/api/overview", DependsOn.EVERYTHING),)
DAYS_SHOWN = 60


class DayCount(Output):
    """How many on one day of the class's time zone."""

    day: str
    count: int = Field(description="In `storage_by_day`: bytes at the end of the day.")


class OverviewOut(Output):
    """The class in numbers."""

    users: dict[str, int]
    projects: dict[str, int] = Field(
        description="By visibility. `hidden` counts those among them that staff hid."
    )
    projects_by_day: list[DayCount]
    users_by_day: list[DayCount]
    storage_by_day: list[DayCount] = Field(description="For the pictures that still exist.")
    storage_bytes: int
    max_storage_bytes: int = Field(description="The limit for all pictures of the class.")


@bp.get("/overview")
@bp.doc(operation_id="read_overview")
@token_required(SEE_CLASS)
@bp.output(OverviewOut)
def overview(_user: Viewer) -> dict[str, Any]:
    """Get numbers about the class: how many people have joined, projects over time, storage used."""
    calendar = _Calendar.ending_today()
    counts = read_counts(db.session(), calendar.begins)
    stored = counts.totals[Total.PICTURES_BYTES]
    return {
        "users": _named("users", counts, Status),
        "projects": _named("projects", counts, [*Visibility, "hidden"]),
        "projects_by_day": calendar.listed(counts.spans[Series.PROJECTS]),
        "users_by_day": calendar.listed(counts.spans[Series.USERS]),
        "storage_by_day": calendar.listed(_at_end_of_days(counts.spans[Series.PICTURES], stored)),
        "storage_bytes": stored,
        "max_storage_bytes": current_config().max_bytes_of_class,
    }


@dataclass(frozen=True)
class _Calendar:
    """The days that are shown, in the class's time zone; what a clock that was set back left for tomorrow
    counts for today.
    """

    first: date
    zone: ZoneInfo

    @classmethod
    def ending_today(cls) -> "_Calendar":
        zone = current_config().zone
        return cls(utc_now().astimezone(zone).date() - timedelta(days=DAYS_SHOWN - 1), zone)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range(DAYS_SHOWN)]

    @property
    def begins(self) -> list[datetime]:
        return [datetime.combine(day, time.min, self.zone) for day in self.days]

    def listed(self, counts: Sequence[int]) -> list[dict[str, str | int]]:
        return [
            {"day": day.isoformat(), "count": count} for day, count in zip(self.days, counts, strict=True)
        ]


def _named(table: str, counts: Counts, words: Iterable[str]) -> dict[str, int]:
    return {str(word): counts.totals[Total(f"{table}_{word}")] for word in words}


def _at_end_of_days(added: Sequence[int], now: int) -> list[int]:
    """How many bytes of today's pictures there were at the end of each day; what was deleted is not in it."""
    before = now - sum(added)
    return list(accumulate(added[1:], initial=before + added[0]))
