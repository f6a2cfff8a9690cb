"""What the users API takes."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, RootModel, Tag

from homeroom.auth.models import Role
from homeroom.auth.schemas import MAX_INPUT_LENGTH, NewPassword
from homeroom.users.fields import clean_email, clean_name, clean_uid
from homeroom.web.pagination import CURSOR, LIMIT, MAX_ID
from homeroom.web.schema import ContractBody, IsoDate, Query, Sent, StorableText

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
    """A new user, created by an admin, or by the person if `REGISTRATION` allows it."""

    uid: Uid
    name: Name
    password: NewPassword | None = None
    email: Email | None = None
    dob: IsoDate | None = None
    role: RoleWord | None = Field(default=None, description="Only an admin can set it; ignored at sign-up.")


class CodeSignUp(ContractBody):
    """A sign-up with a join code. Name and ID must match the roster if you send them."""

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
    """One user, a sign-up with a code, or, for admins, an array of users."""


class UserChanges(ContractBody):
    """Fields to change. Omitted fields stay the same. Read-only fields can be sent unchanged."""

    id: Sent[int] = Field(default=None, ge=1, le=MAX_ID)
    uid: Sent[Uid] = None
    name: Sent[Name] = None
    email: Email | None = None
    dob: IsoDate | None = None
    password: NewPassword | None = None
    current_password: StorableText | None = Field(
        default=None, max_length=MAX_INPUT_LENGTH, description="Required to change your own password."
    )
    role: RoleWord | None = Field(default=None, description="Only an admin can change it.")
    age: ReadOnly
    access: ReadOnly
    picture: ReadOnly
    status: ReadOnly
    created_at: ReadOnly


class UserToDelete(ContractBody):
    """The user to delete. To delete yourself, send your password."""

    uid: Uid
    current_password: StorableText | None = Field(default=None, max_length=MAX_INPUT_LENGTH)


class OwnDeletion(ContractBody):
    """Your current password. Without it, you can't delete your own account (403)."""

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
    """A search for users, its order, and its page."""

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
    sort: Sort = Field(default=Sort.NAME, description="`-` for descending order.")
