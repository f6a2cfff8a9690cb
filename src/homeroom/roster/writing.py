"""Writing a planned roster: everything is worked out first, then written in one short unit.

SQLite has one writer at a time. Ten thousand rows made one by one, with their codes, would keep everybody
else's sign-ins and projects waiting for seconds; so ids are taken in a small unit of their own, codes are
derived while nobody waits, and what is left for the one unit that counts is three lists of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, or_, select, text, update
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from homeroom.auth.join_codes import make_code
from homeroom.auth.models import JoinCode, Role, User, name_key, uid_key
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.roster.parse import RosterRow

# Called with how many rows are done, and how many there are.
OnRows = Callable[[int, int], None]
# How many codes are derived between two looks at the progress.
_CODES_AT_ONCE = 500

_USERS: Table = User.__table__  # type: ignore[assignment]  # a mapped class has a Table
_CODES: Table = JoinCode.__table__  # type: ignore[assignment]
# An account is still whom the plan took it for: known by this ID to the roster, or claimed by the staff.
_UPDATE = (
    update(_USERS)
    .where(
        _USERS.c.id == bindparam("of"),
        or_(
            _USERS.c.roster_key == bindparam("key"),
            _USERS.c.roster_key.is_(None) & (_USERS.c.uid_key == bindparam("key")),
        ),
    )
    .values(
        name=bindparam("new_name"),
        name_key=bindparam("new_name_key"),
        email=func.coalesce(bindparam("new_email", type_=_USERS.c.email.type), _USERS.c.email),
        dob=func.coalesce(bindparam("new_dob", type_=_USERS.c.dob.type), _USERS.c.dob),
        roster_key=bindparam("key"),
    )
)


class AccountsChangedError(Exception):
    """Between planning and writing somebody changed one of the accounts; plan again."""


@dataclass(frozen=True)
class BoundRows:
    """An INSERT and its rows as the driver takes them: converting them takes longer than writing them."""

    statement: str
    rows: Sequence[Any]

    @classmethod
    def of(cls, table: Table, rows: Sequence[dict[str, Any]], dialect: Dialect) -> "BoundRows":
        if not rows:
            return cls("", [])
        names = list(rows[0])
        compiled = insert(table).compile(dialect=dialect, column_keys=names)
        convert = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
        bound = [
            {name: value if (to := convert[name]) is None else to(value) for name, value in row.items()}
            for row in rows
        ]
        if compiled.positiontup is None:
            return cls(str(compiled), bound)
        places = compiled.positiontup
        return cls(str(compiled), [tuple(row[name] for name in places) for row in bound])


@dataclass(frozen=True)
class NewAccount:
    """Somebody who gets an account; without a password they get a join code."""

    uid: str
    name: str
    email: str | None
    dob: date | None
    role: Role = Role.USER
    password_hash: str | None = None


@dataclass(frozen=True)
class Batch:
    """What is to be written, the id of each new account and the code of those that need one, by ID."""

    users: BoundRows
    codes: BoundRows
    updates: Sequence[dict[str, Any]]
    id_of: dict[str, int]
    code_of: dict[str, str]


def prepare(new: Sequence[NewAccount], changed: Sequence[tuple[int, RosterRow]], progress: OnRows) -> Batch:
    """Work out what is to be written; nobody is kept waiting by it, except for a moment by the ids."""
    now, users, codes, code_of = utc_now(), [], [], {}
    id_of: dict[str, int] = {}
    # In the order of the IDs: two imports at once then wait for each other at the first of them.
    rows = sorted(new, key=lambda row: uid_key(row.uid))
    for place, (user_id, row) in enumerate(zip(take_ids(len(rows)), rows, strict=True)):
        users.append(_new_row(user_id, row, now))
        id_of[row.uid] = user_id
        if row.password_hash is None:
            made = make_code(user_id, now)
            codes.append(made.columns)
            code_of[row.uid] = made.issued.code
        if place % _CODES_AT_ONCE == 0:
            progress(place, len(rows) + len(changed))
    dialect = db.engine.dialect
    return Batch(
        BoundRows.of(_USERS, users, dialect),
        BoundRows.of(_CODES, codes, dialect),
        [_changed_row(*one) for one in sorted(changed, key=itemgetter(0))],
        id_of,
        code_of,
    )


def _new_row(user_id: int, row: NewAccount, now: datetime) -> dict[str, Any]:
    key = uid_key(row.uid)
    return {
        "id": user_id,
        "uid": row.uid,
        "uid_key": key,
        "roster_key": key,
        "name": row.name,
        "name_key": name_key(row.name),
        "email": row.email,
        "dob": row.dob,
        "role": row.role,
        "password_hash": row.password_hash,
        "pending": False,
        "created_at": now,
    }


def _changed_row(user_id: int, row: RosterRow) -> dict[str, Any]:
    """Role, password and an ID chosen since are no matter of the roster; an empty cell tells nothing."""
    return {
        "of": user_id,
        "key": uid_key(row.uid),
        "new_name": row.name,
        "new_name_key": name_key(row.name),
        "new_email": row.email,
        "new_dob": row.dob,
    }


def take_ids(count: int) -> list[int]:
    """Ids for new users, given to nobody else; those that are not used in the end are left out for ever."""
    if count == 0:
        return []
    with write_transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            taken = "SELECT nextval(pg_get_serial_sequence('users', 'id')) FROM generate_series(1, :count)"
            return list(session.scalars(text(taken), {"count": count}))
        # A table that may be changed, with a row once it counted: https://www.sqlite.org/autoinc.html
        counted = text("SELECT seq FROM sqlite_sequence WHERE name = 'users'")
        last = session.scalar(counted)
        if last is None:
            last = session.scalar(select(func.max(User.id))) or 0
            session.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES ('users', :last)"), {"last": last}
            )
        moved = text("UPDATE sqlite_sequence SET seq = seq + :count WHERE name = 'users'")
        session.execute(moved, {"count": count})
        return list(range(last + 1, last + count + 1))


def write(session: Session, batch: Batch) -> None:
    """Write a batch, inside the caller's unit.

    Raises:
        IntegrityError: somebody took one of the IDs meanwhile.
        AccountsChangedError: an account is no longer whom the plan took it for.
    """
    connection = session.connection()
    if batch.updates and connection.execute(_UPDATE, batch.updates).rowcount != len(batch.updates):
        raise AccountsChangedError
    for bound in (batch.users, batch.codes):
        if bound.rows:
            connection.exec_driver_sql(bound.statement, bound.rows)
    # Nothing that the session remembers is what it was.
    db.session.expire_all()
