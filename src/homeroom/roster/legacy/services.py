"""Taking over an old server's users: planned first, then written in one short unit, then their pictures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeroom.auth.join_codes import issue_code
from homeroom.auth.locking import lock_users
from homeroom.auth.models import User, uid_key
from homeroom.auth.sessions import set_password_hash
from homeroom.data.transactions import write_transaction
from homeroom.roster.legacy.easy_passwords import DEFAULT_PASSWORD, find_easy
from homeroom.roster.legacy.people import CheckedRows, LegacyUser, check_rows
from homeroom.roster.legacy.pictures import (
    PictureNotTakenError,
    keep_picture,
    picture_folders,
    read_picture,
)
from homeroom.roster.legacy.source import read_source
from homeroom.roster.permissions import is_worth_more_guesses
from homeroom.roster.services import (
    CHUNK_ROWS,
    ImportConflictError,
    ImportReport,
    Result,
    RowReport,
    chunks,
    find_accounts,
    read_only,
    serialise_imports,
)
from homeroom.roster.writing import NewAccount, OnRows, prepare, write
from homeroom.users.permissions import loses_admin


@dataclass(frozen=True)
class Wishes:
    """What whoever runs the import decides about it."""

    dry_run: bool = False
    # Rows that cannot be taken are told and left out, instead of stopping the rest.
    skip_bad_rows: bool = False
    # IDs whose account here gives way to the old server's user of that ID.
    replaced: frozenset[str] = frozenset()
    # Where the pictures are, if not beside the database.
    pictures: Path | None = None


@dataclass(frozen=True)
class _Plan:
    """What is to be done with one user: the account here with that ID, if there is one, and the report."""

    user: LegacyUser
    account_id: int | None
    report: RowReport

    @property
    def is_new(self) -> bool:
        return self.report.result is Result.CREATED

    @property
    def replaces(self) -> bool:
        return self.report.result is Result.UPDATED

    @property
    def is_taken(self) -> bool:
        return self.is_new or self.replaces

    @property
    def key(self) -> str:
        return uid_key(self.user.uid)


@dataclass
class _Written:
    """Which account each user has now, and the join codes of those who need one; by the key of the ID."""

    ids: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clash:
    """A member of the old server's staff, and the account here that has the same ID."""

    uid: str
    old_name: str
    name: str


def find_clashes(path: Path) -> list[Clash]:
    """The old server's staff whose ID has another account here, such as the first `admin`.

    Raises:
        LegacyError: the file is no such database.
    """
    staff = [user for user in check_rows(read_source(path).rows).users if is_worth_more_guesses(user)]
    with read_only() as session:
        found = find_accounts(session, [user.uid for user in staff]).by_uid_key
        pairs = [(user, found.get(uid_key(user.uid))) for user in staff]
        return [
            Clash(user.uid, user.name, account.name)
            for user, account in pairs
            # Whoever was taken over before is the same person.
            if account is not None and (account.password_hash is None or account.name != user.name)
        ]


def take_over(path: Path, wishes: Wishes, *, progress: OnRows) -> ImportReport:
    """Make an account for each user of an old database, all or none; existing ones stay as they are.

    Raises:
        LegacyError: the file is no such database.
        ImportConflictError: another writer got in between.
    """
    source = read_source(path)
    checked = check_rows(source.rows)
    planned, rejected = _plan(checked, frozenset(map(uid_key, wishes.replaced)))
    written = not wishes.dry_run and (wishes.skip_bad_rows or not rejected)
    if written or wishes.dry_run:
        planned = _without_easy_passwords(planned, progress)
    made = _write(planned, progress) if written else None
    reports = _with_pictures(planned, path, wishes, made)
    if made is not None:
        reports = [replace(report, join_code=made.codes.get(uid_key(report.uid))) for report in reports]
    rows = sorted(rejected + reports, key=attrgetter("line"))
    return ImportReport(tuple(rows), source.notes, written)


def _plan(checked: CheckedRows, replaced: Collection[str]) -> tuple[list[_Plan], list[RowReport]]:
    planned, rejected = [], list(checked.rejected)
    with read_only() as session:
        for chunk in chunks(checked.users, CHUNK_ROWS):
            accounts = find_accounts(session, [user.uid for user in chunk])
            for user in chunk:
                try:
                    account = accounts.find(user.uid, {uid_key(user.uid)})
                    planned.append(_plan_one(user, account, replaced))
                except ValueError as error:
                    rejected.append(RowReport(user.line, user.uid, user.name, Result.REJECTED, str(error)))
        session.rollback()
    return planned, rejected


def _plan_one(user: LegacyUser, account: User | None, replaced: Collection[str]) -> _Plan:
    """What becomes of one user.

    Raises:
        ValueError: an admin would give way to somebody who is none; the class could be left without one.
    """
    result, remarks = Result.CREATED, user.remarks
    if account is not None and uid_key(user.uid) in replaced:
        if loses_admin(account, user.role):
            raise ValueError(f"This ID is an admin's here and a {user.role}'s in the old database.")
        result, remarks = Result.UPDATED, ("Replaces the existing account.", *remarks)
    elif account is not None:
        result, remarks = Result.UNCHANGED, ("This ID already has an account, which isn't changed.",)
    report = RowReport(user.line, user.uid, user.name, result, " ".join(remarks))
    return _Plan(user, None if account is None else account.id, report)


def _without_easy_passwords(planned: Sequence[_Plan], progress: OnRows) -> list[_Plan]:
    """The plans with join codes where a password is missing, or one that others would guess."""
    hashed = [plan.user for plan in planned if plan.is_taken and plan.user.password_hash is not None]
    easy = find_easy(hashed, progress)
    return [_with_code(plan, easy.get(plan.key)) if plan.is_taken else plan for plan in planned]


def _with_code(plan: _Plan, guess: str | None) -> _Plan:
    user, remarks = plan.user, [plan.report.message]
    if guess is not None:
        user = replace(user, password_hash=None)
        why = "the default one, which everyone knows" if guess == DEFAULT_PASSWORD else "easy to guess"
        remarks.append(f"The password wasn't imported because it is {why}.")
    if user.password_hash is None:
        remarks.append("Gets a join code.")
    return replace(plan, user=user, report=replace(plan.report, message=" ".join(filter(None, remarks))))


def _write(planned: Sequence[_Plan], progress: OnRows) -> _Written:
    """All accounts in one unit, or none.

    Raises:
        ImportConflictError: somebody else got in between.
    """
    new = [
        NewAccount(user.uid, user.name, user.email, user.dob, user.role, user.password_hash)
        for user in (plan.user for plan in planned if plan.is_new)
    ]
    batch = prepare(new, [], progress)
    made = _Written(codes={uid_key(uid): code for uid, code in batch.code_of.items()})
    try:
        with write_transaction() as session:
            serialise_imports(session)
            _replace(session, [plan for plan in planned if plan.replaces], made)
            write(session, batch)
    except IntegrityError:
        raise ImportConflictError from None
    made.ids |= {uid_key(uid): user_id for uid, user_id in batch.id_of.items()}
    return made


def _replace(session: Session, plans: Sequence[_Plan], made: _Written) -> None:
    """Let old users take the place of accounts here, whose sessions and codes end."""
    accounts = lock_users(session, [plan.account_id for plan in plans])
    for plan in plans:
        user, account = plan.user, accounts.get(plan.account_id or 0)
        if account is None:
            raise ImportConflictError
        account.rename(name=user.name)
        account.role, account.pending = user.role, False
        account.email, account.dob = user.email or account.email, user.dob or account.dob
        set_password_hash(session, account, user.password_hash)
        made.ids[plan.key] = account.id
        if user.password_hash is None:
            made.codes[plan.key] = issue_code(session, account).code


def _with_pictures(
    planned: Sequence[_Plan], database: Path, wishes: Wishes, made: _Written | None
) -> list[RowReport]:
    """The reports, with what became of the pictures; without `made` they are only looked for."""
    folders = picture_folders(database) if wishes.pictures is None else (wishes.pictures,)
    reports = []
    for plan in planned:
        message = plan.report.message
        if plan.user.picture and plan.is_taken:
            try:
                data = read_picture(plan.user, folders)
                if made is not None:
                    keep_picture(made.ids[plan.key], data)
            except PictureNotTakenError as error:
                message = f"{message} The picture wasn't imported: {error}.".strip()
        reports.append(replace(plan.report, message=message))
    return reports
