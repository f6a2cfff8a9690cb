"""A person's sessions: listing them, and ending one or all."""

from collections.abc import Sequence

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from homeroom.auth.locking import lock_user
from homeroom.auth.models import UserSession
from homeroom.auth.sessions import MAX_SESSIONS
from homeroom.data.database import db
from homeroom.data.errors import NotFound
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now


def end_session(user_id: int, session_id: str) -> None:
    """End one session; one that is over already stays so."""
    with write_transaction() as session:
        session.execute(
            delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id)
        )


def sessions_of(session: Session, user_id: int) -> Sequence[UserSession]:
    """A user's sessions that have not ended, the newest first."""
    return session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.expires_at > utc_now())
        .order_by(UserSession.created_at.desc(), UserSession.id)
        .limit(MAX_SESSIONS)
    ).all()


def end_session_named(user_id: int, name: str) -> str:
    """End one of a user's sessions by its public name; the session's id is returned.

    Raises:
        NotFound: the user has no such session (404).
    """
    named = {row.public_name: row.id for row in sessions_of(db.session(), user_id)}
    if name in named:
        end_session(user_id, named[name])
        return named[name]
    raise NotFound("No such session. It may have ended already.")


def end_all_sessions(user_id: int) -> int:
    """End every session of a user, on every device; how many there were."""
    with write_transaction() as session:
        lock_user(session, user_id)
        ended = session.execute(delete(UserSession).where(UserSession.user_id == user_id))
        assert isinstance(ended, CursorResult)
        return ended.rowcount
