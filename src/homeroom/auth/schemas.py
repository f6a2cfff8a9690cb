"""What signing in and joining take."""

from typing import Annotated

from pydantic import Field

from homeroom.auth.password_policy import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from homeroom.web.schema import Body, ContractBody, StorableText

# Longer than any ID or password can be: what lies beyond is refused before it costs anything.
MAX_INPUT_LENGTH = 1000

# The rules of `check_new_password` have the last word, and better words than a schema's.
NewPassword = Annotated[
    StorableText,
    Field(
        min_length=1,
        max_length=MAX_INPUT_LENGTH,
        json_schema_extra={"minLength": MIN_PASSWORD_LENGTH, "maxLength": MAX_PASSWORD_LENGTH},
    ),
]


class Credentials(ContractBody):
    """An ID and a password."""

    uid: StorableText = Field(min_length=1, max_length=MAX_INPUT_LENGTH, examples=["ada"])
    password: StorableText = Field(min_length=1, max_length=MAX_INPUT_LENGTH)


class Confirmation(Body):
    """Your current password."""

    current_password: StorableText = Field(min_length=1, max_length=MAX_INPUT_LENGTH)


class Code(Body):
    """A one-time code as typed."""

    code: StorableText = Field(min_length=1, max_length=100, examples=["ABCD-EFGH-JKMN"])


class CodeAndPassword(Code):
    """A one-time code and the password to set with it."""

    password: NewPassword
