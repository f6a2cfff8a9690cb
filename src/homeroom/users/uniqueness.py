"""An ID is one person's: in the directory, and in the roster that may know them by another one."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeroom.auth.models import User
from homeroom.data.errors import Conflict


def leave_others_roster_keys(session: Session, users: Sequence[User]) -> None:
    """Where the roster's row of an ID means somebody who was renamed since, it goes on meaning them."""
    keys = [user.roster_key for user in users if user.roster_key is not None]
    ids = [user.id for user in users if user.id is not None]
    with session.no_autoflush:
        taken = set(
            session.scalars(select(User.roster_key).where(User.roster_key.in_(keys), User.id.not_in(ids)))
        )
    for user in users:
        if user.roster_key in taken:
            user.roster_key = None


def flush_unique(session: Session) -> None:
    """Write what was changed.

    Raises:
        Conflict: an ID is taken; the database decides it, no earlier look could (409).
    """
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("Someone else already uses this ID.") from None
