"""What the users API gives: the one place that leaves out what a viewer may not see."""

from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field, RootModel

from homeroom.auth.models import Role, Status
from homeroom.auth.permissions import Principal, is_admin, is_teacher
from homeroom.uploads.presenters import RenditionUrls, show_rendition
from homeroom.uploads.renditions import PictureType, Rendition
from homeroom.users.fields import MAX_NAME_LENGTH, age_on
from homeroom.users.permissions import may_see_private
from homeroom.web.addresses import absolute
from homeroom.web.schema import Output


class UserOut(Output):
    """A user. Only the user and admins get the last four fields."""

    id: int
    name: str = Field(max_length=MAX_NAME_LENGTH)
    uid: str
    age: int | None
    role: Role
    access: list[Literal["rw", "ro"]]
    picture: RenditionUrls | None = Field(description="Addresses of the avatar, 128 pixels square.")
    dob: date | None = None
    email: str | None = None
    status: Status | None = None
    created_at: str | None = None


class RoleOut(Output):
    """A role as an object."""

    name: Role


class SectionOut(Output):
    """A section that you are in."""

    id: int
    name: str


class SelfOut(UserOut):
    """Your own account, with fields that pages written for later servers read."""

    sid: str | None = Field(description="The student number; `null` if it isn't known.")
    pfp: str | None = Field(description="The address of one's own picture.")
    roles: list[RoleOut]
    is_admin: bool
    is_teacher: bool
    sections: list[SectionOut]


class VisitorOut(Output):
    """Who is signed in, for pages that guests can see too."""

    user: SelfOut | None


class CodeOut(Output):
    """A one-time code to give to the person."""

    code: str = Field(examples=["ABCD-EFGH-JKMN"])
    expires_at: str


class UsersOut(RootModel[list[UserOut]]):
    """Users, as an array."""


class CreatedOut(RootModel[UserOut | list[UserOut]]):
    """The new user or users, in the shape that was sent."""


class Avatar(NamedTuple):
    """What an avatar's addresses are made of."""

    owner_id: int
    digest: str
    type: PictureType


class Shown(Protocol):
    """What of a user may be shown: a `User`, or a row of a list."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def dob(self) -> date | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def role(self) -> Role: ...
    @property
    def status(self) -> Status: ...
    @property
    def created_at(self) -> datetime: ...


def show_self(user: Shown, avatar: Avatar | None, viewer: Principal, today: date) -> dict[str, Any]:
    """Oneself; sections and student numbers are not kept yet."""
    shown = show_user(user, avatar, viewer, today)
    picture = shown["picture"]
    return shown | {
        "sid": None,
        "pfp": None if picture is None else absolute(picture["original"]),
        "roles": [{"name": user.role.value}],
        "is_admin": is_admin(user),
        "is_teacher": is_teacher(user),
        "sections": [],
    }


def digest_version(digest: str) -> str:
    """What changes in an avatar's address when the picture does: browsers keep it for ever."""
    return digest[:12]


def show_avatar(avatar: Avatar | None) -> dict[str, str] | None:
    """The addresses of an avatar."""
    if avatar is None:
        return None
    base = f"/api/users/{avatar.owner_id}/picture"
    urls = show_rendition(base, Rendition.AVATAR, avatar.type.suffix)
    return {kind: f"{url}?v={digest_version(avatar.digest)}" for kind, url in urls.items()}


def show_user(user: Shown, avatar: Avatar | None, viewer: Principal, today: date) -> dict[str, Any]:
    """A user as a viewer may see them. A date of birth is for oneself and for admins."""
    return show_as(user, avatar, today, private=may_see_private(viewer, user.id))


def show_as(user: Shown, avatar: Avatar | None, today: date, *, private: bool) -> dict[str, Any]:
    """A user as everyone in the class sees them, or with what is private."""
    shown: dict[str, Any] = {
        "id": user.id,
        "name": user.name,
        "uid": user.uid,
        "age": None if user.dob is None else age_on(user.dob, today),
        "role": user.role.value,
        "access": ["rw" if private else "ro"],
        "picture": show_avatar(avatar),
    }
    if private:
        shown |= {
            "dob": None if user.dob is None else user.dob.isoformat(),
            "email": user.email,
            "status": user.status.value,
            "created_at": user.created_at.isoformat(timespec="seconds"),
        }
    return shown
