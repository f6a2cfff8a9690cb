"""Signing in: passwords and codes become sessions, sessions become tokens."""

import secrets
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from homeroom.auth.hashing import current_hashing
from homeroom.auth.join_codes import find_code
from homeroom.auth.keys import current_keys
from homeroom.auth.known_devices import known_device
from homeroom.auth.limits import (
    CONFIRMATION,
    JOIN_CODE,
    SIGN_IN_ANYWHERE,
    SIGN_IN_DEVICE,
    SIGN_IN_HERE,
    SIGN_IN_NETWORK,
    SIGN_IN_SITE,
    Attempt,
    counted,
    forgive,
    network_of,
    site_of,
)
from homeroom.auth.locking import lock_user
from homeroom.auth.models import JoinCode, User, UserSession, uid_key
from homeroom.auth.password_policy import check_new_password, is_easy
from homeroom.auth.passwords import is_imported_hash
from homeroom.auth.tokens import Claims, issue_token
from homeroom.auth.viewer import Viewer, viewer_of
from homeroom.config import current_config
from homeroom.data.database import db
from homeroom.data.errors import Forbidden, NotSignedIn, reject_field
from homeroom.data.transactions import give_connection_back, write_transaction
from homeroom.data.types import utc_now
from homeroom.translations.messages import text_of

MAX_USER_AGENT_LENGTH = 300
MAX_SESSIONS = 50  # of one person; a pupil has a phone, a tablet of the school's, a laptop
# How often a sign-in looks again, because the stored hash was replaced while it worked.
_MAX_TRIES = 3

# Built once: a sign-in has a core for 25 ms, and whatever else it takes keeps others waiting.
_BY_UID = select(User).where(User.uid_key == bindparam("key"))
_ACCOUNT = select(User.id, User.uid, User.name, User.password_hash).where(User.uid_key == bindparam("key"))
_NEWEST = (
    select(UserSession.id)
    .where(UserSession.user_id == bindparam("of"), UserSession.expires_at > bindparam("now"))
    .order_by(UserSession.created_at.desc(), UserSession.id)
    .limit(bindparam("kept"))
)
# Sessions that have ended, and the oldest where somebody signs in again and again.
_END_OLD = delete(UserSession).where(UserSession.user_id == bindparam("of"), UserSession.id.not_in(_NEWEST))
_OPEN = insert(UserSession)


@dataclass(frozen=True)
class Device:
    """Where a request comes from: address, the browser's own name, and the cookie of a known device."""

    address: str
    user_agent: str
    cookie: str = ""


@dataclass(frozen=True)
class SignedIn:
    """A new session: whose it is, and the token for the cookie."""

    user: Viewer
    token: str


def find_by_uid(session: Session, uid: str) -> User | None:
    """The user with an ID, however it is spelt."""
    return session.scalar(_BY_UID, {"key": uid_key(uid)})


def sign_in(uid: str, password: str, device: Device) -> SignedIn:
    """Open a session by password.

    Raises:
        NotSignedIn: unknown user or wrong password, which is not told apart (401).
        Forbidden: the password was taken over from another server, and is easy to guess (403).
        TooMany: too many tries (429).
    """
    for _ in range(_MAX_TRIES):
        found = db.session().connection().execute(_ACCOUNT, {"key": uid_key(uid)}).one_or_none()
        user_id, shown_uid, name, stored = found or (None, uid, "", None)
        attempts = _sign_in_attempts(uid_key(uid), user_id, device)
        # Around the unit too: a database that cannot keep the session is no wrong password.
        with counted(attempts, forgives=False):
            better = _verify(password, stored)
            # Set where another policy held. As if it had not been taken over: the account needs a code.
            easy = is_imported_hash(stored) and is_easy(password, uid=shown_uid, name=name)
            with write_transaction() as session:
                user = lock_user(session, user_id)
                if user is None or user.password_hash != stored:
                    # Deleted, changed, or only renewed by another device that signed in: look again.
                    forgive(session.connection(), attempts)
                    continue
                if easy or better:
                    user.password_hash = None if easy else better
                signed_in = None if easy else SignedIn(viewer_of(user), _open_session(session, user, device))
                session.flush()
                forgive(session.connection(), attempts)
        if signed_in is not None:
            return signed_in
        raise Forbidden(
            "This password is easy to guess. Ask whoever runs the class site for a new join code."
        )
    raise NotSignedIn("Wrong ID or password.")


def _sign_in_attempts(key: str, user_id: int | None, device: Device) -> list[Attempt]:
    """What a guess counts against: the device's own limit where it is known, else account and network."""
    known = None if user_id is None else known_device(device.cookie, user_id)
    if known is not None:
        return [Attempt(SIGN_IN_DEVICE, (key, known))]
    return [
        Attempt(SIGN_IN_HERE, (key, network_of(device.address))),
        Attempt(SIGN_IN_ANYWHERE, (key,)),
        *_network_attempts(device),
    ]


def _network_attempts(device: Device) -> list[Attempt]:
    return [
        Attempt(SIGN_IN_NETWORK, (network_of(device.address),)),
        Attempt(SIGN_IN_SITE, (site_of(device.address),)),
    ]


def _verify(password: str, stored: str | None) -> str | None:
    """The better hash to store, if there is one, for a right password; the caller has counted the try.

    Raises:
        NotSignedIn: the password is wrong (401).
        Unavailable: too many people sign in at this moment (503).
    """
    # No transaction stays open while the hash works: readers on SQLite hold back the checkpoint.
    give_connection_back()
    right, better = current_hashing().verify(password, stored)
    if not right:
        raise NotSignedIn("Wrong ID or password.")
    return better


def preview_code(code: str, device: Device) -> User:
    """Whose code this is, so that the page can greet by name.

    Raises:
        NotFound: it is no valid code (404).
        TooMany: too many were tried (429).
    """
    with counted([Attempt(JOIN_CODE, (network_of(device.address),)), *_network_attempts(device)]):
        return find_code(db.session(), code).user


def join(code: str, password: str, device: Device) -> SignedIn:
    """Set a password by a one-time code and open a session; all older sessions end.

    Raises:
        NotFound: it is no valid code (404).
        InvalidFields: the password may not be set (422).
        TooMany: too many codes were tried (429).
    """
    user = preview_code(code, device)
    new_hash = hash_new_password(password, uid=user.uid, name=user.name)
    with write_transaction() as session:
        user = claim_code(session, code)
        set_password_hash(session, user, new_hash)
        return SignedIn(viewer_of(user), _open_session(session, user, device))


def claim_code(session: Session, code: str) -> User:
    """Whose code this is, locked: of several who use one code at once the first one has it.

    Raises:
        NotFound: it is no valid code, or somebody has just used it (404).
    """
    lock_user(session, find_code(session, code).user_id)
    return find_code(session, code).user


def hash_new_password(password: str, *, uid: str, name: str, pointer: str = "#/password") -> str:
    """The hash of a password that may be set; the database is let go while the hash works.

    Raises:
        InvalidFields: it is too short, too long or too easy (422).
    """
    try:
        check_new_password(password, uid=uid, name=name)
    except ValueError as error:
        reject_field(pointer, text_of(error))
    give_connection_back()
    return current_hashing().hash(password)


def refuse_id_as_password(stored: str | None, uid: str) -> None:
    """Refuse an ID that is the password already: everybody in the class reads IDs.

    Raises:
        InvalidFields: it is (422).
        Unavailable: too many people sign in at this moment (503).
    """
    if stored is None:
        return
    give_connection_back()
    right, _ = current_hashing().verify(uid, stored)
    if right:
        reject_field("#/uid", "Your ID can't be the same as your password.")


def set_password_hash(
    session: Session, user: User, new_hash: str | None, *, keep_session: str | None = None
) -> None:
    """Store a new password's hash, or none; every session but the one kept ends, and so does a join code."""
    user.password_hash = new_hash
    others = delete(UserSession).where(UserSession.user_id == user.id)
    if keep_session is not None:
        others = others.where(UserSession.id != keep_session)
    session.execute(others)
    session.execute(delete(JoinCode).where(JoinCode.user_id == user.id))


def confirm_password(user_id: int, password: str, claims: Claims) -> None:
    """Ask the signed-in user's password once more; guessing it is limited for the session and the account.

    Others' guesses at the sign-in page do not count here: they would lock the user out.

    Raises:
        NotSignedIn: the account was deleted a moment ago (401).
        Forbidden: it is wrong (403).
        TooMany: too many were (429).
    """
    user = db.session().get(User, user_id)
    if user is None:
        raise NotSignedIn("This account has been deleted.")
    attempts = [
        Attempt(SIGN_IN_DEVICE, (user.uid_key, claims.session_id)),
        Attempt(CONFIRMATION, (str(user_id),)),
    ]
    stored = user.password_hash
    try:
        with counted(attempts):
            _verify(password, stored)
    except NotSignedIn:
        raise Forbidden("Your current password is wrong.") from None


def _open_session(session: Session, user: User, device: Device) -> str:
    now = utc_now()
    expires_at = now + current_config().token_lifetime
    session_id = secrets.token_hex(16)
    connection = session.connection()
    connection.execute(_END_OLD, {"of": user.id, "now": now, "kept": MAX_SESSIONS - 1})
    opened = {
        "id": session_id,
        "user_id": user.id,
        "created_at": now,
        "last_used_at": now,
        "expires_at": expires_at,
        "user_agent": device.user_agent[:MAX_USER_AGENT_LENGTH],
    }
    connection.execute(_OPEN, opened)
    claims = Claims(user.id, session_id, int(expires_at.timestamp()))
    return issue_token(claims, key=current_keys()[0], issued_at=now)
