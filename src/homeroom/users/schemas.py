"""What the users API takes and gives: who may see which field is decided here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, Discriminator, Field, RootModel, Tag

from homeroom.auth.models import Role, Status, User
from homeroom.auth.permissions import is_admin, is_teacher
from homeroom.auth.schemas import MAX_INPUT_LENGTH, NewPassword
from homeroom.data.database import db
from homeroom.uploads.models import Picture
from homeroom.uploads.renditions import PictureType, Rendition
from homeroom.uploads.schemas import RenditionUrls, show_rendition
from homeroom.uploads.services import avatars_of
from homeroom.users.fields import MAX_NAME_LENGTH, age_on, clean_email, clean_name, clean_uid
from homeroom.users.permissions import may_see_private
from homeroom.web.addresses import absolute
from homeroom.web.pagination import CURSOR, LIMIT, MAX_ID
from homeroom.web.schema import ContractBody, IsoDate, Output, Query, Sent, StorableText

MAX_USERS_PER_PAGE = 1000
MAX_USERS_PER_REQUEST = 1000
MAX_SEARCH_LENGTH = 200

Name = Annotated[StorableText, AfterValidator(clean_name), Field(min_length=1, examples=["Ada Lovelace"])]
Uid = Annotated[StorableText, AfterValidator(clean_uid), Field(min_length=1, examples=["ada"])]
Email = Annotated[StorableText, Field(max_length=254), AfterValidator(clean_email)]
# Any text: what somebody may not give is ignored or refused whatever it is, and only an admin's is read.
RoleWord = Annotated[
    StorableText, Field(max_length=100, json_schema_extra={"enum": [role.value for role in Role]})
]
ReadOnly = Annotated[Any, Field(default=None, json_schema_extra={"readOnly": True})]

READ_ONLY_FIELDS = ("age", "access", "picture", "status", "created_at")


class NewUser(ContractBody):
    """A user to be made: by an admin, or by oneself where `REGISTRATION` allows it."""

    uid: Uid
    name: Name
    password: NewPassword | None = None
    email: Email | None = None
    dob: IsoDate | None = None
    role: RoleWord | None = Field(default=None, description="Set by admins only; ignored at sign-up.")


class CodeSignUp(ContractBody):
    """A sign-up with a join code: the roster knows name and ID already, what is sent must agree."""

    code: StorableText = Field(min_length=1, max_length=100, examples=["ABCD-EFGH-JKMN"])
    password: NewPassword
    uid: Uid | None = None
    name: Name | None = None
    email: Email | None = None
    dob: IsoDate | None = None


def _shape(body: object) -> str:
    if isinstance(body, list):
        return "(many)"
    return "(code)" if isinstance(body, dict) and "code" in body else "(one)"


class NewUsers(
    RootModel[
        Annotated[
            Annotated[NewUser, Tag("(one)")]
            | Annotated[CodeSignUp, Tag("(code)")]
            | Annotated[list[NewUser], Field(max_length=MAX_USERS_PER_REQUEST), Tag("(many)")],
            Discriminator(_shape),
        ]
    ]
):
    """One user, a sign-up with a code, or an array of users (admins)."""


class UserChanges(ContractBody):
    """Fields to change; one that is not sent stays. Read-only ones may be sent as they are."""

    id: Sent[int] = Field(default=None, ge=1, le=MAX_ID)
    uid: Sent[Uid] = None
    name: Sent[Name] = None
    email: Email | None = None
    dob: IsoDate | None = None
    password: NewPassword | None = None
    current_password: StorableText | None = Field(
        default=None, max_length=MAX_INPUT_LENGTH, description="Needed to change one's own password."
    )
    role: RoleWord | None = Field(default=None, description="Changed by admins only.")
    age: ReadOnly
    access: ReadOnly
    picture: ReadOnly
    status: ReadOnly
    created_at: ReadOnly


class UserToDelete(ContractBody):
    """Whom to delete; oneself only with the password."""

    uid: Uid
    current_password: StorableText | None = Field(default=None, max_length=MAX_INPUT_LENGTH)


class OwnDeletion(ContractBody):
    """The password, asked once more before everything that is one's own is gone; without it, 403."""

    current_password: StorableText | None = Field(default=None, max_length=MAX_INPUT_LENGTH)


class Sort(StrEnum):
    """What a list of users may be sorted by; not by age, whose order would tell dates of birth."""

    NAME = "name"
    NAME_DESCENDING = "-name"
    UID = "uid"
    UID_DESCENDING = "-uid"
    ID = "id"
    ID_DESCENDING = "-id"


class UsersQuery(Query):
    """Which users, in which order, from where."""

    limit: int = Field(default=MAX_USERS_PER_PAGE, ge=1, le=MAX_USERS_PER_PAGE, description=LIMIT)
    cursor: Annotated[StorableText, Field(max_length=2000)] | None = Field(default=None, description=CURSOR)
    q: StorableText = Field(
        default="",
        max_length=MAX_SEARCH_LENGTH,
        description=(
            "Beginning of a name, of a word of a name, or of an ID. People whose name begins with it come "
            "first, sorted by name. People with that word, or all these words, further on in their name "
            "follow, sorted by the name from that word on (one word) or by name (several). People whose ID "
            "alone begins with it come last, sorted by ID; with `sort=uid` they come first."
        ),
    )
    sort: Sort = Field(default=Sort.NAME, description="`-`: in descending order.")


class UserOut(Output):
    """A user; the last four fields are there for oneself and for admins only."""

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
    """A section that one is in."""

    id: int
    name: str


class SelfOut(UserOut):
    """Oneself, with what later pages read beside the lesson's fields."""

    sid: str | None = Field(description="The student number; `null` where it is not known.")
    pfp: str | None = Field(description="The address of one's own picture.")
    roles: list[RoleOut]
    is_admin: bool
    is_teacher: bool
    sections: list[SectionOut]


class VisitorOut(Output):
    """Whether somebody is signed in, for pages that show something to guests as well."""

    user: SelfOut | None


class CodeOut(Output):
    """A one-time code, to be handed to the person."""

    code: str = Field(examples=["ABCD-EFGH-JKMN"])
    expires_at: str


class UsersOut(RootModel[list[UserOut]]):
    """Users, as an array."""


class CreatedOut(RootModel[UserOut | list[UserOut]]):
    """The user or users that were made, in the shape that was sent."""


@dataclass(frozen=True, slots=True)
class Avatar:
    """What an avatar's addresses are made of."""

    owner_id: int
    digest: str
    type: PictureType

    @classmethod
    def of(cls, picture: Picture | None) -> "Avatar | None":
        return None if picture is None else cls(picture.owner_id, picture.digest, picture.type)


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


def show_users(users: Sequence[User], viewer: User, today: date) -> list[dict[str, Any]]:
    """Users as a viewer may see them; their avatars are found in one query."""
    avatars = avatars_of(db.session(), [user.id for user in users])
    return [show_one(user, Avatar.of(avatars.get(user.id)), viewer, today) for user in users]


def show_user(user: User, viewer: User, today: date) -> dict[str, Any]:
    """A user as a viewer may see them."""
    return show_users([user], viewer, today)[0]


def show_self(user: User, today: date) -> dict[str, Any]:
    """Oneself; sections and student numbers are not kept yet."""
    shown = show_user(user, user, today)
    picture = shown["picture"]
    return shown | {
        "sid": None,
        "pfp": None if picture is None else absolute(picture["original"]),
        "roles": [{"name": user.role.value}],
        "is_admin": is_admin(user),
        "is_teacher": is_teacher(user),
        "sections": [],
    }


def avatar_version(avatar: Avatar | Picture) -> str:
    """What changes in an avatar's address when the picture does: browsers keep it for ever."""
    return avatar.digest[:12]


def show_avatar(avatar: Avatar | None) -> dict[str, str] | None:
    """The addresses of an avatar."""
    if avatar is None:
        return None
    base = f"/api/users/{avatar.owner_id}/picture"
    urls = show_rendition(base, Rendition.AVATAR, avatar.type.suffix)
    return {kind: f"{url}?v={avatar_version(avatar)}" for kind, url in urls.items()}


def show_one(user: Shown, avatar: Avatar | None, viewer: User, today: date) -> dict[str, Any]:
    """A user as a viewer may see them. A date of birth is for oneself and for admins."""
    private = may_see_private(viewer, user.id)
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
