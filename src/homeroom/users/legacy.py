"""Taking over the database of a server of the lesson's kind: its users, with their passwords.

The old database is opened read-only and stays as it is. What is not taken over, such as its posts, is
counted and named.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sqlalchemy.orm import Session

from homeroom.auth.join_codes import issue_code
from homeroom.auth.models import Role, User, uid_key
from homeroom.auth.passwords import is_known_hash, verify_password
from homeroom.users.fields import check_dob, clean_email, clean_name, clean_uid
from homeroom.users.roster.services import (
    CHUNK_ROWS,
    ImportReport,
    Result,
    RowReport,
    chunks,
    find_accounts,
    import_transaction,
    read_only,
)
from homeroom.users.roster.text import shown
from homeroom.users.roster.writing import Progress
from homeroom.users.services import today

REQUIRED_COLUMNS = ("_uid", "_name")
OPTIONAL_COLUMNS = ("id", "_password", "_dob", "_email", "_hashmap", "_role")
# As long as the column that keeps it.
MAX_HASH_LENGTH = 300
# What servers of this kind set for whoever sent no password. Everyone knows it.
DEFAULT_PASSWORD = "123qwerty"  # noqa: S105  known to all, which is why it is refused
_EMAIL_KEYS = ("email", "_email", "mail")
# As werkzeug writes them, with no more rounds than it ever did: sign-in would work through any number.
_HASH = re.compile(r"(pbkdf2:sha(1|224|256|384|512)(:[0-9]{1,7})?|scrypt(:[0-9]{1,7}){3})\$[^$]+\$[0-9a-f]+")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T].*)?", re.DOTALL)


class LegacyError(Exception):
    """The file is no database of the lesson's kind; the text says what was found instead."""


@dataclass(frozen=True)
class LegacyUser:
    """A user of the old database, checked; `remarks` tell what could not be taken over."""

    line: int
    uid: str
    name: str
    password_hash: str | None
    role: Role
    dob: date | None
    email: str | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class LegacyDatabase:
    """What an old database holds: users, rows that are none, and in words what stays behind."""

    users: tuple[LegacyUser, ...]
    rejected: tuple[RowReport, ...]
    notes: tuple[str, ...]


def take_over(path: Path, *, dry_run: bool = False, progress: Progress | None = None) -> ImportReport:
    """Make an account for each user of an old database, all or none; existing ones stay as they are.

    Raises:
        LegacyError: the file is no such database.
        ImportConflictError: another writer got in between.
    """
    legacy = read_legacy(path, progress=progress)
    with read_only() if dry_run else import_transaction() as session:
        planned, rejected = _plan(session, legacy)
        written = not dry_run and not rejected
        reports = rejected + [report for _, report in planned]
        if written:
            reports = _write(session, planned)
    return ImportReport(tuple(sorted(reports, key=lambda row: row.line)), legacy.notes, written)


def read_legacy(path: Path, *, progress: Progress | None = None) -> LegacyDatabase:
    """Read an old database without changing it.

    Raises:
        LegacyError: it is no SQLite database, is damaged, or has no such users.
    """
    # SQLite would make an empty database of a path that is not there.
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            # Bytes that are no UTF-8 are kept apart, and refused with their row.
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            columns = _columns(connection, "users")
            _require_columns(path, columns, connection)
            notes = tuple(_notes(connection, path, columns))
            rows = _fetch_users(connection)
    except sqlite3.Error as error:
        raise LegacyError(f"{path} cannot be read: {_reason(error)}") from None
    return _check_rows(rows, notes, progress)


def _reason(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return "another program is writing to it. Stop the old server first."
    return "it is no SQLite database, is encrypted, or is damaged."


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _require_columns(path: Path, columns: list[str], connection: sqlite3.Connection) -> None:
    if not columns:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = ", ".join(shown(name) for (name,) in tables[:20]) or "none"
        raise LegacyError(f"{path} has no table “users”. Its tables: {found}.")
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        raise LegacyError(
            f"The table “users” of {path} has no column {' and '.join(missing)}, "
            "so it is not of the lesson's kind."
        )


def _notes(connection: sqlite3.Connection, path: Path, columns: list[str]) -> Iterator[str]:
    """What of the old database stays behind."""
    unknown = [column for column in columns if column not in REQUIRED_COLUMNS + OPTIONAL_COLUMNS]
    if unknown:
        yield f"Columns not taken: {', '.join(shown(column) for column in unknown)}."
    if _columns(connection, "posts"):
        (count,) = connection.execute("SELECT count(*) FROM posts").fetchone()
        if count:
            yield (
                f"{count} posts were not taken: they belong to the portfolio and are still in {path}. "
                "Keep that file, and the pictures beside it."
            )


def _fetch_users(connection: sqlite3.Connection) -> list[dict[str, object]]:
    cursor = connection.execute("SELECT * FROM users")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _check_rows(
    rows: list[dict[str, object]], notes: tuple[str, ...], progress: Progress | None
) -> LegacyDatabase:
    users: list[LegacyUser] = []
    rejected: list[RowReport] = []
    seen: dict[str, int] = {}
    for place, row in enumerate(rows, start=1):
        number = _number(row, place)
        try:
            user = _check_row(row, number)
            _refuse_second(seen, user)
        except ValueError as error:
            uid, name = (shown(_text(row[column])) for column in ("_uid", "_name"))
            rejected.append(RowReport(number, uid, name, Result.REJECTED, str(error)))
        else:
            users.append(user)
        if progress is not None:
            progress(place, len(rows))
    return LegacyDatabase(tuple(users), tuple(rejected), notes)


def _number(row: dict[str, object], place: int) -> int:
    """What the old database called the row, or its place where that is no number."""
    number = row.get("id")
    return number if isinstance(number, int) else place


def _refuse_second(seen: dict[str, int], user: LegacyUser) -> None:
    first = seen.setdefault(uid_key(user.uid), user.line)
    if first != user.line:
        raise ValueError(f"User {first} has the same ID.")


def _text(value: object) -> str:
    """A cell as text; SQLite's columns hold whatever was put into them."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)


def _check_row(row: dict[str, object], number: int) -> LegacyUser:
    remarks: list[str] = []
    dob, hashmap = _read_dob(_text(row.get("_dob")), remarks), _read_hashmap(row, remarks)
    return LegacyUser(
        line=number,
        uid=clean_uid(_text(row["_uid"])),
        name=clean_name(_text(row["_name"])),
        password_hash=_read_password(_text(row.get("_password")), remarks),
        role=_read_role(row, remarks),
        dob=dob,
        email=_read_email(row, hashmap, remarks),
        remarks=tuple(remarks),
    )


def _read_password(text: str, remarks: list[str]) -> str | None:
    """A hash that sign-in can verify; anything else is no password, least of all a readable one."""
    if not text:
        remarks.append("Had no password.")
    elif not (_HASH.fullmatch(text) and is_known_hash(text)) or len(text) > MAX_HASH_LENGTH:
        remarks.append("The password is not taken: it is not stored as a hash that is known here.")
    elif verify_password(DEFAULT_PASSWORD, text)[0]:
        remarks.append("The password is not taken: it is the default one, which everyone knows.")
    else:
        return text
    return None


def _read_role(row: dict[str, object], remarks: list[str]) -> Role:
    word = _text(row.get("_role"))
    if not word:
        return Role.USER
    try:
        return Role(word)
    except ValueError:
        remarks.append(f"The role “{shown(word)}” is none here; made a User.")
        return Role.USER


def _read_dob(text: str, remarks: list[str]) -> date | None:
    """The day, from a date, a moment, or a text that begins like one."""
    if not text:
        return None
    day = _DAY.fullmatch(text)
    try:
        return check_dob(date.fromisoformat(day[1] if day else ""), today())
    except ValueError:
        remarks.append(f"The date of birth “{shown(text)}” cannot be right and is left out.")
        return None


def _read_hashmap(row: dict[str, object], remarks: list[str]) -> dict[str, object]:
    text = _text(row.get("_hashmap"))
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        if value is not None or text.strip() != "null":
            remarks.append("The _hashmap holds no JSON object and is not taken.")
        return {}
    left = [shown(key) for key in value if key not in _EMAIL_KEYS]
    if left:
        remarks.append(f"Of the _hashmap is not taken: {', '.join(left[:20])}.")
    return value


def _read_email(row: dict[str, object], hashmap: dict[str, object], remarks: list[str]) -> str | None:
    candidates = (row.get("_email"), *(hashmap.get(key) for key in _EMAIL_KEYS))
    text = next((one for one in candidates if isinstance(one, str) and one.strip()), None)
    if text is None:
        return None
    try:
        return clean_email(text)
    except ValueError:
        remarks.append(f"The e-mail address “{shown(text)}” is none and is left out.")
        return None


def _plan(
    session: Session, legacy: LegacyDatabase
) -> tuple[list[tuple[LegacyUser | None, RowReport]], list[RowReport]]:
    """By row: whom to make, or nobody where the ID has an account, and what to report."""
    planned: list[tuple[LegacyUser | None, RowReport]] = []
    rejected = list(legacy.rejected)
    for chunk in chunks(legacy.users, CHUNK_ROWS):
        accounts = find_accounts(session, [user.uid for user in chunk])
        for user in chunk:
            report = RowReport(user.line, user.uid, user.name, Result.CREATED, " ".join(user.remarks))
            try:
                # Whoever it is, nothing of theirs is changed.
                known = accounts.find(user.uid, {uid_key(user.uid)}) is not None
            except ValueError as error:
                rejected.append(replace(report, result=Result.REJECTED, message=str(error)))
                continue
            planned.append((None, _left_alone(report)) if known else (user, report))
    return planned, rejected


def _left_alone(report: RowReport) -> RowReport:
    return replace(report, result=Result.UNCHANGED, message="This ID has an account here; it stays as it is.")


def _write(session: Session, planned: list[tuple[LegacyUser | None, RowReport]]) -> list[RowReport]:
    reports = []
    for chunk in chunks(planned, CHUNK_ROWS):
        made = [(_new_user(legacy), report) for legacy, report in chunk if legacy is not None]
        session.add_all(user for user, _ in made)
        session.flush()
        reports += [_with_code(session, user, report) for user, report in made]
        reports += [report for legacy, report in chunk if legacy is None]
    return reports


def _new_user(legacy: LegacyUser) -> User:
    user = User(
        email=legacy.email,
        dob=legacy.dob,
        role=legacy.role,
        password_hash=legacy.password_hash,
    )
    user.rename(name=legacy.name, uid=legacy.uid)
    user.roster_key = user.uid_key
    return user


def _with_code(session: Session, user: User, report: RowReport) -> RowReport:
    """Whoever could not keep a password gets a join code instead."""
    if user.password_hash is not None:
        return report
    code = issue_code(session, user)
    message = f"{report.message} Gets a join code.".strip()
    return replace(report, message=message, join_code=code.code)
