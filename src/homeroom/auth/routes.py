"""Signing in, joining, signing out: the addresses under which sessions begin and end."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from homeroom.auth import known_devices
from homeroom.auth.confirmation import confirm
from homeroom.auth.devices import describe_device
from homeroom.auth.guard import current_claims, request_tokens, token_required
from homeroom.auth.keys import current_verifier
from homeroom.auth.known_devices import remember_device
from homeroom.auth.last_use import current_last_uses
from homeroom.auth.limits import client_address
from homeroom.auth.models import User, UserSession
from homeroom.auth.origins import clear_session_cookie, set_device_cookie, set_session_cookie
from homeroom.auth.schemas import (
    Code,
    CodeAndPassword,
    CodeOwner,
    Confirmation,
    Credentials,
    SessionsEnded,
    SessionsOut,
    SignedInOut,
)
from homeroom.auth.sessions import (
    Device,
    SignedIn,
    end_all_sessions,
    end_session,
    end_session_named,
    join,
    preview_code,
    sessions_of,
    sign_in,
)
from homeroom.auth.tokens import Claims, TokenInvalidError
from homeroom.data.database import db
from homeroom.web.schema import Message

bp = APIBlueprint("auth", __name__, url_prefix="/api", tag="Signing in")


def current_device() -> Device:
    """Where this request comes from."""
    cookie = known_devices.joined(request.cookies.getlist(known_devices.COOKIE))
    return Device(client_address(), request.user_agent.string, cookie)


def _signed_in_response(signed_in: SignedIn) -> Response:
    user = signed_in.user
    response = jsonify(
        message=f"Authentication for {user.uid} successful",
        user={"id": user.id, "uid": user.uid, "name": user.name, "role": user.role},
    )
    set_session_cookie(response, signed_in.token)
    set_device_cookie(response, remember_device(current_device().cookie, user.id))
    return response


@bp.post("/authenticate")
@bp.post("/users/authenticate", endpoint="authenticate_user")
@bp.input(Credentials)
@bp.output(SignedInOut, description="Signed in; the session's token is in the cookie.")
def authenticate(json_data: Credentials) -> Response:
    """Sign in with ID and password."""
    return _signed_in_response(sign_in(json_data.uid, json_data.password, current_device()))


@bp.delete("/authenticate")
@bp.output(Message, description="Signed out; signing out twice is no error.")
def sign_out() -> Response:
    """Sign out on this device."""
    found = [claims for claims in map(_claims_of, request_tokens()) if claims is not None]
    for claims in found:
        end_session(claims.user_id, claims.session_id)
    # Where nobody is signed in by this cookie, taking it back is all there is to do.
    response = jsonify(message="Signed out" if found else "Nobody was signed in")
    clear_session_cookie(response)
    return response


def _claims_of(token: str) -> Claims | None:
    try:
        return current_verifier().verify(token)
    except TokenInvalidError:
        return None


@bp.get("/sessions")
@token_required()
@bp.output(SessionsOut)
def list_sessions(user: User) -> Response:
    """Where one is signed in, with the device and its last use."""
    current = current_claims().session_id
    return jsonify([_show_session(row, current=row.id == current) for row in sessions_of(db.session(), user)])


def _show_session(row: UserSession, *, current: bool) -> dict[str, Any]:
    used = current_last_uses().noted(row.id) or row.last_used_at
    return {
        "id": row.public_name,
        "device": describe_device(row.user_agent),
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "last_used_at": None if used is None else used.isoformat(timespec="seconds"),
        "current": current,
    }


@bp.delete("/sessions/<name>")
@bp.doc(operation_id="end_session")
@token_required()
@bp.output(Message)
def end_one(user: User, name: str) -> Response:
    """Sign out on one device."""
    current = current_claims().session_id
    response = jsonify(message="Signed out there")
    if end_session_named(user, name) == current:
        clear_session_cookie(response)
    return response


@bp.delete("/sessions")
@token_required()
@bp.output(SessionsEnded)
def sign_out_everywhere(user: User) -> Response:
    """Sign out on every device, this one too."""
    response = jsonify(message="Signed out everywhere", ended=end_all_sessions(user.id))
    clear_session_cookie(response)
    return response


@bp.post("/confirmation")
@token_required()
@bp.input(Confirmation)
@bp.output(Message, description="For 15 minutes, this page may do what needs a confirmation.")
def confirm_session(user: User, json_data: Confirmation) -> Response:
    """Give one's password once more, for what a page of another origin may not do with a session alone."""
    confirm(user, json_data.current_password)
    return jsonify(message="Confirmed")


@bp.post("/join/code")
@bp.input(Code)
@bp.output(CodeOwner)
def show_code_owner(json_data: Code) -> Response:
    """Whom a one-time code is for."""
    owner = preview_code(json_data.code, current_device())
    return jsonify(name=owner.name, uid=owner.uid)


@bp.post("/join")
@bp.input(CodeAndPassword)
@bp.output(SignedInOut, description="The password is set, and the session's token is in the cookie.")
def join_class(json_data: CodeAndPassword) -> Response:
    """Set a password with a one-time code, and sign in."""
    return _signed_in_response(join(json_data.code, json_data.password, current_device()))
