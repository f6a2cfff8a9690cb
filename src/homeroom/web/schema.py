"""What bodies and queries are declared with: strict types, JSON as RFC 8259 has it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NoReturn, TypeVar, get_args

from flask.json.provider import DefaultJSONProvider
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    model_validator,
)
from pydantic.json_schema import WithJsonSchema

from homeroom.translations.messages import MessageError
from homeroom.web.ignored_fields import note_ignored

# Far more than any body of ours has, or a page's form.
MAX_FIELDS = 200


class StrictJSON(DefaultJSONProvider):
    """JSON without Python's additions, and without a crash on a body of ten thousand brackets."""

    sort_keys = False
    ensure_ascii = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return json.loads(s, parse_constant=_refuse_constant, **kwargs)
        except RecursionError as error:
            raise ValueError("The body is nested too deeply.") from error


def _refuse_constant(name: str) -> NoReturn:
    # NaN and Infinity are no JSON: RFC 8259, section 6.
    raise ValueError(f"{name} is no JSON value.")


class Body(BaseModel):
    """A JSON body: `"1"` is no number, `false` is no text, an unknown field is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, body: object) -> object:
        # Before each is looked at: a megabyte of unknown fields took 1.8 s of the processor.
        if isinstance(body, dict) and len(body) > MAX_FIELDS:
            raise MessageError("Use at most {max} fields; you sent {sent:,}.", max=MAX_FIELDS, sent=len(body))
        return body


class ContractBody(Body):
    """A body that pages send which were written for others of our kind.

    What they send beyond our fields is ignored, and the answer says so (`X-Ignored-Fields`).
    """

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _note_unknown(cls, body: object) -> object:
        if isinstance(body, dict):
            note_ignored(name for name in body if name not in cls.model_fields)
        return body


def forgives_unknown_fields(body: object) -> bool:
    """Whether a body, or one that it may be, is a `ContractBody`."""
    if isinstance(body, type) and issubclass(body, ContractBody):
        return True
    if isinstance(body, type) and issubclass(body, RootModel):
        return forgives_unknown_fields(body.model_fields["root"].annotation)
    return any(map(forgives_unknown_fields, get_args(body)))


class Query(BaseModel):
    """A query string: all of it is text, so numbers are read from text; unknown names are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Output(BaseModel):
    """What an answer holds, for the OpenAPI document."""


class Message(Output):
    """A message."""

    message: str


def _refuse_null(value: object) -> object:
    if value is None:
        raise MessageError("This can't be null.")
    return value


def drop_null(schema: dict[str, Any]) -> None:
    """Take null out of the values that a JSON schema allows."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]


Value = TypeVar("Value")
# A field that may be left out, and is then None; somebody who sends null does not mean that.
Sent = Annotated[Value | None, BeforeValidator(_refuse_null), Field(json_schema_extra=drop_null)]

View = TypeVar("View", bound=Callable[..., object])
BINARY = {"type": "string", "format": "binary"}
_BODY = "_documented_body"


@dataclass(frozen=True)
class DocumentedBody:
    """A body that a view reads by itself: its media types, each with a model; None: the bytes of a file."""

    content: Mapping[str, type[BaseModel] | None]
    required: bool


def reads_body(
    content: Mapping[str, type[BaseModel] | None], *, required: bool = True
) -> Callable[[View], View]:
    """Document the body of a view that reads it by itself, by media type; None stands for bytes.

    Where one JSON model is all that a view takes, `@bp.input` documents it and checks it as well.
    """

    def mark(view: View) -> View:
        setattr(view, _BODY, DocumentedBody(content, required))
        return view

    return mark


def documented_body(view: Callable[..., object]) -> DocumentedBody | None:
    """What `reads_body` says of a view; decorators above copy it (`functools.wraps`)."""
    return getattr(view, _BODY, None)


def _read_date(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise MessageError("Write the date as YYYY-MM-DD.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise MessageError("This day doesn't exist.") from None


# pydantic alone would also take numbers, as seconds since 1970.
IsoDate = Annotated[
    date,
    BeforeValidator(_read_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2010-02-28"]}),
]


def is_storable(text: str) -> bool:
    """Whether every database can keep and compare a text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _require_storable(text: str) -> str:
    if not is_storable(text):
        raise MessageError("The text contains characters that can't be saved.")
    return text


StorableText = Annotated[str, AfterValidator(_require_storable)]
