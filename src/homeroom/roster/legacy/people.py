"""Checking the rows of an old server's users: what of each can be taken over, and why the rest cannot."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from homeroom.auth.models import Role, uid_key
from homeroom.auth.passwords import is_imported_hash
from homeroom.config import today
from homeroom.roster.legacy.source import Row, cell_text
from homeroom.roster.services import Result, RowReport
from homeroom.roster.text import shown
from homeroom.users.fields import check_dob, clean_email, clean_name, clean_uid

# As long as the column that keeps it.
MAX_HASH_LENGTH = 300
_EMAIL_KEYS = ("email", "_email", "mail")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T].*)?", re.DOTALL)


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
    # The name of a file, or the picture itself in base64.
    picture: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class CheckedRows:
    """The users of an old database, and the rows that are none."""

    users: tuple[LegacyUser, ...]
    rejected: tuple[RowReport, ...]


def check_rows(rows: Sequence[Row]) -> CheckedRows:
    """Tell the rows that can be taken over from those that cannot."""
    users: list[LegacyUser] = []
    rejected: list[RowReport] = []
    seen: dict[str, LegacyUser] = {}
    for place, row in enumerate(rows, start=1):
        number = _number(row, place)
        try:
            user = _check_row(row, number)
            _refuse_second(seen, user)
        except ValueError as error:
            uid, name = (shown(cell_text(row[column])) for column in ("_uid", "_name"))
            rejected.append(RowReport(number, uid, name, Result.REJECTED, str(error)))
        else:
            users.append(user)
    return CheckedRows(tuple(users), tuple(rejected))


def _number(row: Row, place: int) -> int:
    """What the old database called the row, or its place where that is no number."""
    number = row.get("id")
    return number if isinstance(number, int) else place


def _refuse_second(seen: dict[str, LegacyUser], user: LegacyUser) -> None:
    # By the user, not by its number, which an old table may have twice.
    first = seen.setdefault(uid_key(user.uid), user)
    if first is not user:
        raise ValueError(f"User {first.line} has the same ID.")


def _check_row(row: Row, number: int) -> LegacyUser:
    remarks: list[str] = []
    dob, hashmap = _read_dob(cell_text(row.get("_dob")), remarks), _read_hashmap(row, remarks)
    return LegacyUser(
        line=number,
        uid=clean_uid(cell_text(row["_uid"])),
        name=clean_name(cell_text(row["_name"])),
        password_hash=_read_password(cell_text(row.get("_password")), remarks),
        role=_read_role(row, remarks),
        dob=dob,
        email=_read_email(row, hashmap, remarks),
        picture=cell_text(row.get("_pfp")).strip(),
        remarks=tuple(remarks),
    )


def _read_password(text: str, remarks: list[str]) -> str | None:
    """A hash that sign-in can verify; anything else is no password, least of all a readable one."""
    if not text:
        remarks.append("Had no password.")
    elif not is_imported_hash(text) or len(text) > MAX_HASH_LENGTH:
        remarks.append("The password wasn't imported because its hash format is unknown.")
    else:
        return text
    return None


def _read_role(row: Row, remarks: list[str]) -> Role:
    word = cell_text(row.get("_role"))
    if not word:
        return Role.USER
    try:
        return Role(word)
    except ValueError:
        remarks.append(f"The role “{shown(word)}” doesn't exist here, so this is a User.")
        return Role.USER


def _read_dob(text: str, remarks: list[str]) -> date | None:
    """The day, from a date, a moment, or a text that begins like one."""
    if not text:
        return None
    day = _DAY.fullmatch(text)
    try:
        return check_dob(date.fromisoformat(day[1] if day else ""), today())
    except ValueError:
        remarks.append(f"The date of birth “{shown(text)}” can't be right, so it was skipped.")
        return None


def _read_hashmap(row: Row, remarks: list[str]) -> dict[str, object]:
    text = cell_text(row.get("_hashmap"))
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        if value is not None or text.strip() != "null":
            remarks.append("The _hashmap isn't a JSON object, so it wasn't imported.")
        return {}
    left = [shown(key) for key in value if key not in _EMAIL_KEYS]
    if left:
        remarks.append(f"Not imported from the _hashmap: {', '.join(left[:20])}.")
    return value


def _read_email(row: Row, hashmap: dict[str, object], remarks: list[str]) -> str | None:
    candidates = (row.get("_email"), *(hashmap.get(key) for key in _EMAIL_KEYS))
    text = next((one for one in candidates if isinstance(one, str) and one.strip()), None)
    if text is None:
        return None
    try:
        return clean_email(text)
    except ValueError:
        remarks.append(f"The email address “{shown(text)}” isn't valid, so it was skipped.")
        return None
