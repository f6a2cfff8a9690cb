"""From the rows of a roster to accounts and join codes: all of them in one transaction, or none."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from operator import attrgetter
from typing import TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeroom.auth.models import ROLE_NAMES, User, uid_key
from homeroom.config import today
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.roster.parse import ParsedRoster, RosterRow, parse
from homeroom.roster.permissions import keeps_role
from homeroom.roster.text import shown
from homeroom.roster.writing import AccountsChangedError, NewAccount, OnRows, prepare, write
from homeroom.translations.messages import MessageError, MessageException, joined, message, text_of

# How many rows one query asks for: far below what either database allows as parameters.
CHUNK_ROWS = 500
# Any number that nothing else in this database locks by.
_IMPORT_LOCK = 0x686F_6D65
# How often an import is planned anew because somebody got in between.
_MAX_TRIES = 5

Item = TypeVar("Item")


class Result(StrEnum):
    """What became, or without writing would become, of one row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Change:
    """One field of an account before and after; for the staff, who may see both."""

    field: str
    old: str | None
    new: str


@dataclass(frozen=True)
class RowReport:
    """One row: where it stands in the file, who it is, what became of it and why."""

    line: int
    uid: str
    name: str
    result: Result
    message: str = ""
    changes: tuple[Change, ...] = ()
    join_code: str | None = None


@dataclass(frozen=True)
class ImportReport:
    """What became of every row; `written` is false for a dry run and where a row was rejected."""

    rows: tuple[RowReport, ...]
    notes: tuple[str, ...]
    written: bool

    @property
    def counts(self) -> dict[Result, int]:
        counted = Counter(row.result for row in self.rows)
        return {result: counted[result] for result in Result}

    @property
    def rejected(self) -> list[RowReport]:
        return [row for row in self.rows if row.result in (Result.REJECTED, Result.CONFLICT)]


class ImportConflictError(MessageException):
    """Someone else wrote one of the same IDs at the same moment; nothing of the import was kept."""

    def __init__(self) -> None:
        super().__init__(
            message(
                "Someone else added one of these IDs at the same time, so nothing was imported. "
                "Import the file again."
            )
        )


@dataclass(frozen=True)
class _Plan:
    """What is to be done with one row: whose account it is, nobody's yet, and what to report."""

    row: RosterRow
    user: User | None
    report: RowReport


def import_roster(
    data: bytes,
    *,
    date_format: str | None = None,
    dry_run: bool = False,
    same_people: Iterable[str] = (),
    progress: OnRows | None = None,
) -> ImportReport:
    """Bring the class in line with a roster; accounts that it does not name stay as they are.

    `same_people` are IDs that people chose themselves and that belong to whom the roster means: the staff
    has looked. Without that such a row is a conflict, and nothing of it is given to the account.

    Raises:
        RosterError: the file or the date format cannot be used (422).
        ImportConflictError: another writer got in between (409).
    """
    parsed = parse(data, today=today(), date_format=date_format)
    same = frozenset(map(uid_key, same_people))
    for _ in range(_MAX_TRIES):
        with read_only() as session:
            planned, rejected = _plan(session, parsed, same)
        if dry_run or rejected:
            rows = rejected + [plan.report for plan in planned]
            return ImportReport(_in_order(rows), parsed.notes, written=False)
        try:
            return ImportReport(_in_order(_write(planned, progress or _ignore)), parsed.notes, written=True)
        except (IntegrityError, AccountsChangedError):
            # Somebody got in between; what is true now is looked at again.
            continue
    raise ImportConflictError


def _ignore(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


def _in_order(rows: Iterable[RowReport]) -> tuple[RowReport, ...]:
    return tuple(sorted(rows, key=attrgetter("line")))


def _write(planned: Sequence[_Plan], progress: OnRows) -> list[RowReport]:
    new = [
        NewAccount(row.uid, row.name, row.email, row.dob)
        for row in (plan.row for plan in planned if plan.user is None)
    ]
    changed = [
        (plan.user.id, plan.row)
        for plan in planned
        if plan.user is not None and (plan.report.result is Result.UPDATED or plan.user.roster_key is None)
    ]
    batch = prepare(new, changed, progress)
    if batch.users.rows or batch.updates:
        with write_transaction() as session:
            serialise_imports(session)
            write(session, batch)
    progress(len(planned), len(planned))
    return [replace(plan.report, join_code=batch.code_of.get(plan.row.uid)) for plan in planned]


@contextmanager
def read_only() -> Iterator[Session]:
    """The session without the right to write, so that a dry run cannot."""
    session = db.session()
    # What an earlier transaction of this request saw may be old.
    session.rollback()
    yield session


def serialise_imports(session: Session) -> None:
    """Wait for an import that is under way; SQLite's write transactions do so by themselves."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_IMPORT_LOCK)))


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """A sequence in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


class SelfChosenIdError(MessageError):
    """Somebody chose the ID of this row themselves; whether they are whom the roster means, people decide."""

    def __init__(self, user: User) -> None:
        super().__init__(
            message(
                "{name} chose this ID at sign-up, so they don't get the roster's data. If this is the same "
                "person, confirm this ID (same_person). Otherwise, change that account's ID or delete it.",
                name=shown(user.name),
            )
        )


@dataclass(frozen=True)
class Accounts:
    """The accounts that some IDs of a roster may mean."""

    by_roster_key: dict[str, User]
    by_uid_key: dict[str, User]

    def find(self, uid: str, same: Collection[str] = ()) -> User | None:
        """Whom the roster means: who is known to it, or was made by the staff, under this ID.

        An ID that somebody gave to themselves proves nothing. `same` are those that the staff vouches for.

        Raises:
            SelfChosenIdError: the ID was chosen by its owner.
            ValueError: the ID was taken over by someone whom the roster knows by another one.
        """
        key = uid_key(uid)
        if key in self.by_roster_key:
            return self.by_roster_key[key]
        user = self.by_uid_key.get(key)
        if user is not None and user.roster_key is not None:
            raise MessageError(
                "{name} signs in with this ID, but was imported as “{uid}”. Change that account's ID first.",
                name=shown(user.name),
                uid=shown(user.roster_key),
            )
        if user is not None and key not in same:
            raise SelfChosenIdError(user)
        return user


def find_accounts(session: Session, uids: Sequence[str]) -> Accounts:
    """The accounts that have these IDs, or once were imported under them."""
    keys = [uid_key(uid) for uid in uids]
    either = or_(User.uid_key.in_(keys), User.roster_key.in_(keys))
    users = session.scalars(select(User).where(either)).all()
    return Accounts(
        by_roster_key={user.roster_key: user for user in users if user.roster_key is not None},
        by_uid_key={user.uid_key: user for user in users},
    )


def _plan(
    session: Session, parsed: ParsedRoster, same: Collection[str]
) -> tuple[list[_Plan], list[RowReport]]:
    """What each row asks for, before anything is written, and the rows that cannot be taken."""
    planned = []
    rejected = [
        RowReport(row.line, row.uid, row.name, Result.REJECTED, row.reason) for row in parsed.rejected
    ]
    for chunk in chunks(parsed.rows, CHUNK_ROWS):
        accounts = find_accounts(session, [row.uid for row in chunk])
        for row in chunk:
            try:
                user = accounts.find(row.uid, same)
            except ValueError as error:
                result = Result.CONFLICT if isinstance(error, SelfChosenIdError) else Result.REJECTED
                rejected.append(RowReport(row.line, row.uid, row.name, result, text_of(error)))
            else:
                planned.append(_Plan(row, user, _report(row, user)))
    return planned, rejected


def _report(row: RosterRow, user: User | None) -> RowReport:
    if user is None:
        return RowReport(row.line, row.uid, row.name, Result.CREATED)
    changes = tuple(_changes(row, user))
    result = Result.UPDATED if changes else Result.UNCHANGED
    return RowReport(row.line, row.uid, row.name, result, _remark(row, user), changes)


def _changes(row: RosterRow, user: User) -> Iterator[Change]:
    """What the row tells and the account has otherwise; an empty cell tells nothing."""
    for field, told in (("name", row.name), ("email", row.email), ("dob", row.dob)):
        stored = getattr(user, field)
        if told is not None and told != stored:
            yield Change(field, _as_text(stored), str(told))


def _as_text(value: str | date | None) -> str | None:
    return None if value is None else str(value)


def _remark(row: RosterRow, user: User) -> str:
    """What the staff should know about an account that was there before."""
    remarks = []
    if user.uid_key != uid_key(row.uid):
        remarks.append(message("Now signs in as “{uid}”.", uid=shown(user.uid)))
    if keeps_role(user):
        remarks.append(message("Keeps the role {role}.", role=ROLE_NAMES[user.role]))
    if user.pending:
        remarks.append(message("Signed up and is waiting for approval."))
    return joined(remarks)
