"""Signing in, joining, signing out: the addresses under which sessions begin and end."""

from typing import Any

from flask import Response, after_this_request, request

from homeroom.auth import known_devices
from homeroom.auth.confirmation import confirm
from homeroom.auth.guard import current_claims, request_tokens, token_required
from homeroom.auth.keys import current_verifier
from homeroom.auth.known_devices import remember_device
from homeroom.auth.limits import client_address
from homeroom.auth.origins import set_device_cookie, set_session_cookie, take_session_cookie_back
from homeroom.auth.own_sessions import end_all_sessions, end_session, end_session_named, sessions_of
from homeroom.auth.presenters import (
    CodeOwner,
    SessionsEnded,
    SessionsOut,
    SignedInOut,
    show_session,
    show_signed_in,
)
from homeroom.auth.schemas import Code, CodeAndPassword, Confirmation, Credentials
from homeroom.auth.sessions import (
    Device,
    SignedIn,
    join,
    preview_code,
    sign_in,
)
from homeroom.auth.tokens import Claims, TokenInvalidError
from homeroom.auth.viewer import Viewer
from homeroom.data.database import db
from homeroom.data.types import utc_now
from homeroom.translations.messages import message
from homeroom.web.answers import Blueprint
from homeroom.web.kept_answers import DependsOn, KeptRoute, keep_until
from homeroom.web.languages import translated
from homeroom.web.schema import Message

bp = Blueprint("auth", __name__, url_prefix="/api", tag="Signing in")

KEPT_ROUTES = (KeptRoute("/api/sessions", DependsOn.EVERYTHING, by_session=True),)


def current_device() -> Device:
    """Where this request comes from."""
    cookie = known_devices.joined(request.cookies.getlist(known_devices.COOKIE))
    return Device(client_address(), request.user_agent.string, cookie)


def _signed_in(signed_in: SignedIn) -> dict[str, Any]:
    user, token = signed_in.user, signed_in.token
    device = remember_device(current_device().cookie, user.id)

    @after_this_request
    def set_cookies(response: Response) -> Response:
        set_session_cookie(response, token)
        set_device_cookie(response, device)
        return response

    return show_signed_in(user)


@bp.post("/authenticate", endpoint="authenticate")
@bp.post("/users/authenticate", endpoint="authenticate_user")
@bp.input(Credentials)
@bp.output(SignedInOut, description="Signed in; the session's token is in the cookie.")
def start_session(json_data: Credentials) -> dict[str, Any]:
    """Sign in with an ID and a password."""
    return _signed_in(sign_in(json_data.uid, json_data.password, current_device()))


@bp.delete("/authenticate")
@bp.output(Message, description="Signed out. Signing out twice isn't an error.")
def sign_out() -> dict[str, Any]:
    """Sign out on this device."""
    found = [claims for claims in map(_claims_of, request_tokens()) if claims is not None]
    for claims in found:
        end_session(claims.user_id, claims.session_id)
    # Where nobody is signed in by this cookie, taking it back is all there is to do.
    take_session_cookie_back()
    return {"message": translated(message("Signed out") if found else message("Nobody was signed in"))}


def _claims_of(token: str) -> Claims | None:
    try:
        return current_verifier().verify(token)
    except TokenInvalidError:
        return None


@bp.get("/sessions")
@token_required()
@bp.output(SessionsOut)
def list_sessions(user: Viewer) -> list[dict[str, Any]]:
    """List the devices where you are signed in, with their last use."""
    current = current_claims().session_id
    sessions = sessions_of(db.session(), user.id)
    keep_until(min((row.expires_at for row in sessions), default=utc_now()))
    return [show_session(row, current=row.id == current) for row in sessions]


@bp.delete("/sessions/<name>")
@bp.doc(operation_id="end_session")
@token_required()
@bp.output(Message)
def end_one(user: Viewer, name: str) -> dict[str, Any]:
    """Sign out on one device."""
    current = current_claims().session_id
    if end_session_named(user.id, name) == current:
        take_session_cookie_back()
    return {"message": translated(message("Signed out on that device"))}


@bp.delete("/sessions")
@token_required()
@bp.output(SessionsEnded)
def sign_out_everywhere(user: Viewer) -> dict[str, Any]:
    """Sign out on every device, this one too."""
    ended = end_all_sessions(user.id)
    take_session_cookie_back()
    return {"message": translated(message("Signed out everywhere")), "ended": ended}


@bp.post("/confirmation")
@token_required()
@bp.input(Confirmation)
@bp.output(Message, description="For 15 minutes, this page can do what needs a confirmation.")
def confirm_session(user: Viewer, json_data: Confirmation) -> dict[str, Any]:
    """Confirm your password for changes from another origin."""
    confirm(user.id, json_data.current_password)
    return {"message": translated(message("Password confirmed"))}


@bp.post("/join/code")
@bp.input(Code)
@bp.output(CodeOwner)
def show_code_owner(json_data: Code) -> dict[str, Any]:
    """Look up who a one-time code belongs to."""
    owner = preview_code(json_data.code, current_device())
    return {"name": owner.name, "uid": owner.uid}


@bp.post("/join")
@bp.input(CodeAndPassword)
@bp.output(SignedInOut, description="The password is set, and the session's token is in the cookie.")
def join_class(json_data: CodeAndPassword) -> dict[str, Any]:
    """Set a password with a one-time code, and sign in."""
    return _signed_in(join(json_data.code, json_data.password, current_device()))
