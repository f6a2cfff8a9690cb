"""What signing in and joining give."""

from typing import Any

from pydantic import Field, RootModel

from homeroom.auth.devices import describe_device
from homeroom.auth.last_use import current_last_uses
from homeroom.auth.models import Role, UserSession
from homeroom.auth.viewer import Viewer
from homeroom.translations.messages import message
from homeroom.web.languages import translated
from homeroom.web.schema import Message, Output


class CodeOwner(Output):
    """The person a code is for."""

    name: str
    uid: str


class SignedInUserOut(Output):
    """The signed-in user."""

    id: int
    uid: str
    name: str
    role: Role


class SignedInOut(Message):
    """A new session."""

    user: SignedInUserOut


class SessionOut(Output):
    """One sign-in on one device."""

    id: str
    device: str = Field(examples=["Chrome on Windows"])
    created_at: str
    last_used_at: str | None
    current: bool


class SessionsOut(RootModel[list[SessionOut]]):
    """Your sessions, the newest first."""


class SessionsEnded(Message):
    """The number of sessions that ended."""

    ended: int


def show_signed_in(user: Viewer) -> dict[str, Any]:
    """Whose session has begun."""
    return {
        "message": translated(message("Authentication for {uid} successful", uid=user.uid)),
        "user": {"id": user.id, "uid": user.uid, "name": user.name, "role": user.role},
    }


def show_session(row: UserSession, *, current: bool) -> dict[str, Any]:
    """One's own session on one device; `current` is the one that asks."""
    used = current_last_uses().noted(row.id) or row.last_used_at
    return {
        "id": row.public_name,
        "device": translated(describe_device(row.user_agent)),
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "last_used_at": None if used is None else used.isoformat(timespec="seconds"),
        "current": current,
    }
