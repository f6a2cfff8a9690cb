"""Locking users' rows, so that what is decided about somebody stays true until it is written.

SQLite has one writer at a time and needs none of it. On PostgreSQL each unit of writing begins by locking
the users it is about, always in the order of their ids: of twelve that want the same thing at once each
decides on what the one before has written, and no two wait for each other.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from homeroom.auth.models import User
from homeroom.auth.permissions import admins

_LOCKED = (
    select(User)
    # Rows that refer to a user may still be written: they lock its key only.
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
# Built once, as every write needs one of them.
_LOCK_ONE = _LOCKED.where(User.id == bindparam("user_id"))
_WANTED = User.id.in_(bindparam("user_ids", expanding=True))
_LOCK_SOME = _LOCKED.where(_WANTED).order_by(User.id)
_LOCK_SOME_AND_ADMINS = _LOCKED.where(or_(_WANTED, admins())).order_by(User.id)


def lock_user(session: Session, user_id: int | None) -> User | None:
    """The user as they are now, locked until the unit ends; None where there is no such user."""
    return None if user_id is None else session.scalar(_LOCK_ONE, {"user_id": user_id})


def lock_users(
    session: Session, user_ids: Iterable[int | None], *, and_admins: bool = False
) -> dict[int, User]:
    """Users by id as they are now, locked until the unit ends; call it once, before anything is written.

    `and_admins` locks the admins too, for whoever decides whether one of them may go.
    """
    wanted = {user_id for user_id in user_ids if user_id is not None}
    statement = _LOCK_SOME_AND_ADMINS if and_admins else _LOCK_SOME
    return {user.id: user for user in session.scalars(statement, {"user_ids": list(wanted)})}
