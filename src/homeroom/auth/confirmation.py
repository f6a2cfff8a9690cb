"""Confirmation: what the staff does to others needs the site's own pages, or the password once more.

Pages of other origins are admitted with the session's cookie, and each of them is a student's work. A script
in one, run with a teacher's cookie, may read what the teacher may read; it must not become a teacher.
"""

from datetime import timedelta

from flask import request

from homeroom.auth.guard import current_claims
from homeroom.auth.models import UserSession
from homeroom.auth.origins import is_own_origin
from homeroom.auth.sessions import confirm_password
from homeroom.data.database import db
from homeroom.data.errors import ConfirmationRequired
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now

CONFIRMED_FOR = timedelta(minutes=15)
CLOCKS_DIFFER_BY = timedelta(minutes=1)
MAX_ORIGIN_LENGTH = 200


def require_confirmation() -> None:
    """Let the site's own pages and programs pass, and other pages if the password was just given in them.

    Signing in is no confirmation: whoever has just signed in and then looks at a student's page is the case
    that this is for. A confirmation holds for the origin that it was given in.

    Raises:
        ConfirmationRequired: the page is of another origin, and the last confirmation is too old (403).
    """
    if is_own_origin():
        return
    row = db.session.get(UserSession, current_claims().session_id)
    if (
        row is None
        or row.confirmed_at is None
        or row.confirmed_origin != _origin()
        # One from the future, by a clock that was wrong, would hold until then.
        or not -CLOCKS_DIFFER_BY <= utc_now() - row.confirmed_at <= CONFIRMED_FOR
    ):
        raise ConfirmationRequired("Confirm your password first, because this page isn't part of the site.")


def confirm(user_id: int, password: str) -> None:
    """Note that the password was given in this session, in a page of this origin.

    Raises:
        Forbidden: it is wrong (403).
        TooMany: too many were (429).
    """
    session_id = current_claims().session_id
    confirm_password(user_id, password, current_claims())
    with write_transaction() as session:
        row = session.get(UserSession, session_id, with_for_update=True)
        if row is not None:
            row.confirmed_at, row.confirmed_origin = utc_now(), _origin()


def _origin() -> str:
    return request.headers.get("Origin", "").lower()[:MAX_ORIGIN_LENGTH]
