"""The tallies: how many users, projects and bytes there are, kept by the database's own triggers.

Migration 0008 makes them: counting a million rows takes seconds. A tally is a total, or what came within one
quarter of an hour: every zone's midnight is at a quarter, so the days of any zone are sums of them.
docs/decisions/tallies.md says why PostgreSQL keeps two tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby, pairwise
from operator import itemgetter

from sqlalchemy import BigInteger, Select, String, func, literal, select, union_all
from sqlalchemy.orm import Mapped, Session, mapped_column

from homeroom.data.database import Base
from homeroom.data.types import Id

SLOT_S = 15 * 60
# A total is not of any time.
_TOTAL_SLOT = 0
_TOTAL_PLACE = -1
_LAST_SLOT = 2**53


class Total(StrEnum):
    """What there is now."""

    USERS_ACTIVE = "users_active"
    USERS_INVITED = "users_invited"
    USERS_PENDING = "users_pending"
    PROJECTS_DRAFT = "projects_draft"
    PROJECTS_CLASS = "projects_class"
    PROJECTS_PUBLIC = "projects_public"
    PROJECTS_HIDDEN = "projects_hidden"
    PICTURES_BYTES = "pictures_bytes"


class Series(StrEnum):
    """What came when, as far as it is still there; of pictures, their bytes."""

    USERS = "users_made"
    PROJECTS = "projects_made"
    PICTURES = "pictures_made"


class Tally(Base):
    """A total (slot 0), or what came within one quarter of an hour, numbered since 1970."""

    __tablename__ = "tallies"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class TallyChange(Base):
    """What PostgreSQL has to add to a tally: writers that only append never wait for each other."""

    __tablename__ = "tally_changes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    slot: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(BigInteger)


_Table = type[Tally] | type[TallyChange]
_TABLES: tuple[_Table, ...] = (Tally, TallyChange)


@dataclass(frozen=True)
class Counts:
    """The totals, and of each series a count for every span of time that was asked for."""

    totals: dict[Total, int]
    spans: dict[Series, list[int]]


def read_total(session: Session, total: Total) -> int:
    """One total."""
    parts = [_total(table).where(table.kind == total) for table in _TABLES]
    return sum(int(count) for _, _, count in session.execute(union_all(*parts)))


def read_counts(session: Session, begins: Sequence[datetime]) -> Counts:
    """The totals, and what came from each of some moments to the next; the last span has no end.

    It is one statement, and so one state: PostgreSQL moves changes into tallies meanwhile.
    """
    slots = [int(moment.timestamp()) // SLOT_S for moment in begins]
    parts = [_total(table) for table in _TABLES]
    parts += [_spans(table, *run) for table in _TABLES for run in _runs([*slots, _LAST_SLOT])]
    counts = Counts(dict.fromkeys(Total, 0), {series: [0] * len(slots) for series in Series})
    for kind, place, count in session.execute(union_all(*parts)):
        # SQLite's sums are integers, PostgreSQL's are decimals.
        if place == _TOTAL_PLACE:
            counts.totals[Total(kind)] += int(count)
        else:
            counts.spans[Series(kind)][place] += int(count)
    return counts


def _runs(slots: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Spans of one length that follow each other: the first place, where they begin and end, the length.

    Days are of one length but where the clocks change, so there are few runs.
    """
    lengths = enumerate(after - first for first, after in pairwise(slots))
    for length, group in groupby(lengths, key=itemgetter(1)):
        places = [place for place, _ in group]
        yield places[0], slots[places[0]], slots[places[-1] + 1], length


def _total(table: _Table) -> Select[str, int, int]:
    return (
        select(table.kind, literal(_TOTAL_PLACE).label("place"), func.sum(table.count))
        .where(table.kind.in_(list(Total)), table.slot == _TOTAL_SLOT)
        .group_by(table.kind)
    )


def _spans(table: _Table, place: int, first: int, after: int, length: int) -> Select[str, int, int]:
    at = (place + (table.slot - first) // length).label("place")
    return (
        select(table.kind, at, func.sum(table.count))
        .where(table.kind.in_(list(Series)), table.slot >= first, table.slot < after)
        .group_by(table.kind, at)
    )
