"""The guard: `@token_required` lets a view run for the people it is for, and hands it the `Viewer`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import islice
from typing import Any, TypeVar

from flask import g, request
from sqlalchemy import Connection, bindparam, func, select, true

from homeroom.auth.keys import current_verifier
from homeroom.auth.last_use import current_last_uses
from homeroom.auth.models import ROLE_NAMES, Directory, DraftVersion, Role, User, UserSession
from homeroom.auth.permissions import has_role
from homeroom.auth.tokens import Claims, TokenInvalidError
from homeroom.auth.viewer import Viewer
from homeroom.config import current_config
from homeroom.data.database import db
from homeroom.data.errors import Forbidden, NotSignedIn
from homeroom.data.types import utc_now
from homeroom.translations.messages import ComparedMessage, joined
from homeroom.web.incoming import SIGNED_IN
from homeroom.web.kept_answers import ASKER, Versions

View = TypeVar("View", bound=Callable[..., Any])

# Often enough to recognise a device by it, rarely enough to cost nothing.
NOTE_USE_AFTER = timedelta(minutes=5)
MAX_TOKENS = 3

# The lesson's words, which pages of its readers compare.
TOKEN_MISSING = ComparedMessage("Authentication Token is missing!")
TOKEN_UNKNOWN = ComparedMessage("Invalid Authentication token!")
TOKEN_BROKEN = ComparedMessage("Something went wrong, likely with the token!")
ROLE_MISSING = ComparedMessage("Insufficient permissions. Required roles: {roles}")

# Built once: a statement built for each request costs three times as much.
_STATE = (
    select(
        UserSession.expires_at,
        UserSession.last_used_at,
        Directory.version,
        Directory.portfolio_version,
        func.coalesce(DraftVersion.version, 0),
        User.id,
        User.uid,
        User.name,
        User.role,
        User.pending,
    )
    .join(User, User.id == UserSession.user_id)
    .join(Directory, true())
    .outerjoin(DraftVersion, DraftVersion.user_id == User.id)
    .where(
        UserSession.id == bindparam("session_id"),
        UserSession.user_id == bindparam("user_id"),
        UserSession.expires_at > bindparam("now"),
    )
)


_FOR_EVER = datetime.max.replace(tzinfo=UTC)
_GUESTS_STATE = select(Directory.version, Directory.portfolio_version)


@dataclass(frozen=True)
class Authenticated:
    """Who asks, and what was true in the database at that moment.

    As long as nothing is committed there, it stays true until `good_until`.
    """

    viewer: Viewer
    claims: Claims
    versions: Versions
    good_until: datetime

    @property
    def user_id(self) -> int:
        return self.viewer.id

    @property
    def session_id(self) -> str:
        return self.claims.session_id


@dataclass(frozen=True)
class Guest:
    """Nobody who is signed in, and what was true in the database at that moment."""

    versions: Versions
    user_id: None = None
    session_id: None = None
    good_until: datetime = _FOR_EVER


def authenticate_or_guest(tokens: Sequence[str], connection: Connection) -> Authenticated | Guest:
    """Who some tokens belong to, or a guest, who sends none; one statement, for the read path.

    Raises:
        NotSignedIn: the tokens are broken, or their sessions have ended (401).
    """
    if tokens:
        return authenticate(tokens, connection)
    return Guest(Versions(*connection.execute(_GUESTS_STATE).one()))


def authenticate(tokens: Sequence[str], connection: Connection) -> Authenticated:
    """Who the first good one of some tokens belongs to; decided here alone, for the guard and the read path.

    A browser may send two cookies of one name, such as one of a parent domain, and the better one second.

    Raises:
        NotSignedIn: there is no token, they are broken, or their sessions have ended (401).
    """
    refusal = NotSignedIn(TOKEN_MISSING)
    for token in islice(filter(None, tokens), MAX_TOKENS):
        try:
            return _authenticate_one(token, connection)
        except NotSignedIn as error:
            refusal = error
    raise refusal


def _authenticate_one(token: str, connection: Connection) -> Authenticated:
    try:
        claims = current_verifier().verify(token)
    except TokenInvalidError:
        raise NotSignedIn(TOKEN_BROKEN) from None
    now = utc_now()
    row = connection.execute(
        _STATE, {"user_id": claims.user_id, "session_id": claims.session_id, "now": now}
    ).one_or_none()
    if row is None:
        raise NotSignedIn(TOKEN_UNKNOWN)
    expires_at, last_used_at, people, portfolio, drafts, *person = row
    if last_used_at is None or now - last_used_at > NOTE_USE_AFTER:
        current_last_uses().note(claims.session_id, now)
        last_used_at = now
    expires_at = min(expires_at, datetime.fromtimestamp(claims.expires_at, UTC))
    good_until = min(expires_at, last_used_at + NOTE_USE_AFTER)
    return Authenticated(Viewer(*person), claims, Versions(people, portfolio, drafts), good_until)


def signed_in() -> tuple[Viewer, Claims]:
    """Who sent this request, and in which session; one statement, unless the read path has just asked.

    Raises:
        NotSignedIn: nobody is signed in (401).
    """
    found = request.environ.get(ASKER) or authenticate(request_tokens(), db.session().connection())
    if isinstance(found, NotSignedIn):
        raise found
    if isinstance(found, Guest):
        raise NotSignedIn(TOKEN_MISSING)
    assert isinstance(found, Authenticated)
    # For the log, on routes that guests may use too.
    g.user_id = found.viewer.id
    request.environ[SIGNED_IN] = True
    return found.viewer, found.claims


def current_viewer() -> Viewer | None:
    """Who looks, where a guest may look too; someone whose session has ended is a guest."""
    try:
        return signed_in()[0]
    except NotSignedIn:
        return None


def request_tokens() -> Sequence[str]:
    """The tokens that the browser sent along; one, as a rule."""
    return request.cookies.getlist(current_config().cookie_name)


def current_claims() -> Claims:
    """The token's claims in a guarded view: which session asks."""
    claims = g.claims
    assert isinstance(claims, Claims)
    return claims


def token_required(roles: Role | str | Collection[str] | None = None) -> Callable[[View], View]:
    """Guard a view: it runs for signed-in users, or for those with one of `roles` only.

    The view is called with the `Viewer` first. `roles` is one role or a collection of roles and is compared
    whole: "Admin" does not let "Ad" in.

    Raises:
        NotSignedIn: nobody is signed in (401).
        Forbidden: the role is not among `roles` (403).
    """
    named = [roles] if isinstance(roles, str) else roles
    allowed = None if named is None else [Role(role) for role in named]

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            viewer, claims = signed_in()
            if allowed is not None and not has_role(viewer, allowed):
                names = joined((ROLE_NAMES[role] for role in allowed), ", ")
                raise Forbidden(ROLE_MISSING.filled(roles=names))
            g.claims = claims
            return view(viewer, *args, **kwargs)

        # Lets a test walk the routes and find one that nobody guards.
        guarded.guarded_for = allowed or list(Role)  # type: ignore[attr-defined]  # functions take attributes
        return guarded  # type: ignore[return-value]  # the viewer is filled in, as with partial()

    return decorator


def audience_of(view: Callable[..., Any]) -> str | None:
    """Whom a view's guard lets in, in words; None: guests too."""
    roles: list[Role] | None = getattr(view, "guarded_for", None)
    if roles is None:
        return None
    if set(roles) == set(Role):
        return "For signed-in users."
    return f"For {' and '.join(f'{role.value.lower()}s' for role in Role if role in roles)}."
