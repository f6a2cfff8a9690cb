"""What the rules refuse, and what can't be done at the moment: raised below the web, which knows no HTTP.

`web/problems.py` gives each its status; the command line prints the text.
"""

from typing import NoReturn

from pydantic import BaseModel, Field

# Wait until somebody who runs the server has done something.
OPERATOR_RETRY_S = 60
NO_ROOM = "The server has no room left on its disk; whoever runs it has to make some."


class Refused(Exception):  # noqa: N818  it and its kinds are named for what they say, as in `raise NotFound(…)`
    """Something that can't be done as asked; `detail` says why, in a sentence for the person who asked."""

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        # After how many seconds it makes sense to ask again; None: asking again changes nothing.
        self.retry_after_s = retry_after_s


class NotSignedIn(Refused):
    """Nobody is signed in, or a password is wrong (401)."""


class Forbidden(Refused):
    """Someone who may not do this (403)."""


class ConfirmationRequired(Forbidden):
    """The password is needed once more (403, with `X-Confirmation: required`)."""


class NotFound(Refused):
    """It isn't there, or isn't shown to whoever asks (404)."""


class Conflict(Refused):
    """What is there stands against it (409)."""


class Outdated(Refused):
    """It was changed since the version that whoever asks knows (412)."""


class TooLarge(Refused):
    """More bytes than are taken (413)."""


class WrongType(Refused):
    """A file of a kind that isn't taken (415)."""


class Unreadable(Refused):
    """A file of the right kind that can't be read to its end (422)."""


class TooMany(Refused):
    """Tried too often (429)."""


class Unavailable(Refused):
    """The server can't do it at the moment (503)."""


class FieldProblem(BaseModel):
    """One rejected place of a body: a JSON pointer (RFC 6901) and the reason."""

    pointer: str = Field(examples=["#/name"])
    detail: str = Field(examples=["A name may not be empty."])


class InvalidFields(Refused):
    """A body that could be read, but not accepted (422); `fields` says where and why."""

    def __init__(self, fields: list[FieldProblem], detail: str = "Some fields are not valid.") -> None:
        super().__init__(detail)
        self.fields = fields


def reject_field(pointer: str, detail: str) -> NoReturn:
    """Refuse one field of the body.

    Raises:
        InvalidFields: always (422).
    """
    raise InvalidFields([FieldProblem(pointer=pointer, detail=detail)], detail)
