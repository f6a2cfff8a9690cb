"""Who has not joined yet, and the code that lets each of them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Table, bindparam, delete, exists, insert, select
from sqlalchemy.orm import Session, selectinload

from homeroom.auth.join_codes import IssuedCode, make_code, reprint_code
from homeroom.auth.locking import lock_users
from homeroom.auth.models import JoinCode, User
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.roster.demo import DEMO_CLASS, LABEL
from homeroom.roster.permissions import gets_a_slip, staff_without_password
from homeroom.roster.services import CHUNK_ROWS, chunks, read_only

_CODES: Table = JoinCode.__table__  # type: ignore[assignment]  # a mapped class has a Table
_DELETE_ENDED = delete(_CODES).where(_CODES.c.digest == bindparam("ended"))
# Whoever joined, or got a code, since it was found out who needs one, is left as they are.
_INSERT_WHERE_NEEDED = insert(_CODES).from_select(
    [column.name for column in _CODES.c],
    select(*(bindparam(column.name, type_=column.type) for column in _CODES.c)).where(
        exists().where(User.id == bindparam("user_id"), User.password_hash.is_(None)),
        ~exists().where(_CODES.c.user_id == bindparam("user_id")),
    ),
)


@dataclass(frozen=True)
class Invitation:
    """Someone who has not joined yet, and the code that lets them."""

    uid: str
    name: str
    code: str
    expires_at: datetime


def make_invitations() -> list[Invitation]:
    """Everyone of the class who has not joined, by name; codes that ended are replaced.

    Codes are derived while nobody waits; what is written is one short unit.
    """
    with read_only() as session:
        without = [user for user in session.scalars(_invited()) if _code_at_hand(user) is None]
        ended = [{"ended": user.join_code.digest} for user in without if user.join_code is not None]
        ids = sorted(user.id for user in without)
    now = utc_now()
    made = [make_code(user_id, now).columns for user_id in ids]
    if made:
        with write_transaction() as session:
            for chunk in chunks(ids, CHUNK_ROWS):
                lock_users(session, chunk)
            connection = session.connection()
            if ended:
                connection.execute(_DELETE_ENDED, ended)
            connection.execute(_INSERT_WHERE_NEEDED, made)
    with read_only() as session:
        return invitations_at_hand(session)


def invitations_at_hand(session: Session) -> list[Invitation]:
    """Those who have not joined and hold a good code, by name; nothing is written."""
    found = [(user, _code_at_hand(user)) for user in session.scalars(_invited())]
    return [
        Invitation(user.uid, user.name, code.code, code.expires_at)
        for user, code in found
        if code is not None
    ]


def _invited() -> Select[User]:
    """The demo class is left out, which nobody hands slips to."""
    demo = User.uid_key.in_([uid for uid, _, _ in DEMO_CLASS]) & User.name.endswith(LABEL)
    return (
        select(User)
        .where(gets_a_slip(), ~demo)
        .order_by(User.name_key, User.id)
        .options(selectinload(User.join_code))
    )


def _code_at_hand(user: User) -> IssuedCode | None:
    return reprint_code(user.join_code) if user.join_code else None


def staff_not_joined(session: Session) -> list[str]:
    """The IDs of teachers and admins who have no password yet; the sheet leaves them out."""
    staff = select(User.uid).where(staff_without_password())
    return list(session.scalars(staff.order_by(User.uid_key)))
