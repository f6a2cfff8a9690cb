"""What the rules refuse, and what can't be done at the moment: raised below the web, which knows no HTTP.

`web/problems.py` gives each its status; the command line prints the text.
"""

from dataclasses import dataclass
from typing import NoReturn

from homeroom.translations.messages import Message, MessageException, message

# Wait until somebody who runs the server has done something.
OPERATOR_RETRY_S = 60
NO_ROOM = message("The server's disk is full. Tell the person who runs the server.")
SOME_INVALID = message("Some fields aren't valid.")


class Refused(MessageException):
    """Something that can't be done as asked; `detail` says why, in a sentence for the person who asked.

    It is named for what it says, as in `raise NotFound(…)`. The text is a template with `{named}` places for
    the values, never an f-string: catalogues translate it.
    """

    def __init__(self, template: str, /, *, retry_after_s: int | None = None, **values: object) -> None:
        super().__init__(template, **values)
        # After how many seconds it makes sense to ask again; None: asking again changes nothing.
        self.retry_after_s = retry_after_s

    @property
    def detail(self) -> Message:
        return self.message


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


@dataclass(frozen=True)
class RejectedField:
    """One rejected place of a body: a JSON pointer (RFC 6901) and the reason."""

    pointer: str
    detail: str


class InvalidFields(Refused):
    """A body that could be read, but not accepted (422); `fields` says where and why."""

    def __init__(self, fields: list[RejectedField], detail: str = SOME_INVALID, /) -> None:
        super().__init__(detail)
        self.fields = fields


def reject_field(pointer: str, template: str, /, **values: object) -> NoReturn:
    """Refuse one field of the body.

    Raises:
        InvalidFields: always (422).
    """
    detail = template if isinstance(template, Message) else Message(template, **values)
    raise InvalidFields([RejectedField(pointer, detail)], detail)
