"""Errors: every one leaves as the one shape of the contract, RFC 9457 with the lesson's members."""

import errno
import re
from http import HTTPStatus
from typing import Any

import structlog
from apiflask.exceptions import HTTPError
from flask import Flask, Response, current_app, make_response
from pydantic import BaseModel, Field
from pydantic import ValidationError as PydanticValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from homeroom.config.reasons import reason_of
from homeroom.data.errors import (
    NO_ROOM,
    OPERATOR_RETRY_S,
    SOME_INVALID,
    ConfirmationRequired,
    Conflict,
    Forbidden,
    InvalidFields,
    NotFound,
    NotSignedIn,
    Outdated,
    Refused,
    RejectedField,
    TooLarge,
    TooMany,
    Unavailable,
    Unreadable,
    WrongType,
)
from homeroom.data.faults import Fault, fault_of
from homeroom.translations.messages import ComparedMessage, message
from homeroom.web.languages import translated

MEDIA_TYPE = "application/problem+json"
DATABASE_RETRY_S = 2
CONFIRMATION_HEADER = "X-Confirmation"

_RACES = {
    Fault.TAKEN: message("Someone else changed this at the same time. Reload the page and try again."),
    Fault.GONE: message("Someone else has deleted this."),
}
_TROUBLES = {
    Fault.BUSY: (message("The database is busy. Try again in a few seconds."), DATABASE_RETRY_S),
    Fault.AWAY: (message("The database isn't responding. Try again in a few seconds."), DATABASE_RETRY_S),
    Fault.READ_ONLY: (
        message("Nothing can be saved at the moment. Tell the person who runs the server."),
        OPERATOR_RETRY_S,
    ),
    Fault.DISK_FULL: (NO_ROOM, OPERATOR_RETRY_S),
    Fault.DAMAGED: (
        message("The database is damaged. The person who runs the server has to restore a backup."),
        OPERATOR_RETRY_S,
    ),
    Fault.OUTDATED: (
        message("The database needs an upgrade. Tell the person who runs the server."),
        OPERATOR_RETRY_S,
    ),
}

_STATUS: dict[type[Refused], int] = {
    NotSignedIn: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Outdated: 412,
    TooLarge: 413,
    WrongType: 415,
    Unreadable: 422,
    InvalidFields: 422,
    TooMany: 429,
    Unavailable: 503,
    Refused: 400,
}

TOO_LARGE = message("This is too large for the server.")
# Where Werkzeug speaks for itself, its words are for somebody who typed an address into a browser.
_SENTENCES = {
    HTTPStatus.NOT_FOUND: message("Nothing was found at this address."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: message("The file has no such range."),
}

log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    """One rejected place of a body: a JSON pointer (RFC 6901) and the reason."""

    pointer: str = Field(examples=["#/name"])
    detail: str = Field(examples=["A name can't be empty."])


class Problem(BaseModel):
    """An error as RFC 9457 has it, with the members that the lesson's pages read."""

    title: str = Field(examples=["Unauthorized"])
    status: int = Field(examples=[401])
    detail: str = Field(examples=["Authentication Token is missing!"])
    message: str = Field(
        description="The same as `detail`; the guard's refusals stay English here, as pages compare them."
    )
    data: None
    error: str = Field(description="The same as `title`.")
    errors: list[FieldProblem] = Field(default_factory=list, description="For a rejected body.")


def problem_members(status: int, detail: str) -> dict[str, Any]:
    """The members that every error has; what stands in front of the application answers with them, too."""
    title = HTTPStatus(status).phrase
    return {
        "title": title,
        "status": status,
        "detail": detail,
        "message": detail,
        "data": None,
        "error": title,
    }


def problem_response(
    status: int,
    detail: str,
    *,
    fields: list[RejectedField] | None = None,
    headers: list[tuple[str, str]] | None = None,
) -> Response:
    """An error in the one shape, and in the language of the request."""
    body = problem_members(status, translated(detail))
    if isinstance(detail, ComparedMessage):
        body["message"] = str(detail)
    if fields:
        body["errors"] = [{"pointer": field.pointer, "detail": translated(field.detail)} for field in fields]
    response = make_response(current_app.json.dumps(body), status)
    for name, value in headers or []:
        if name.lower() not in ("content-type", "content-length"):
            response.headers.add(name, value)
    response.content_type = MEDIA_TYPE
    response.headers["Cache-Control"] = "no-store"
    return response


def init_problems(app: Flask) -> None:
    """Let every exception, foreseen or not, leave in the one shape."""
    app.register_error_handler(Refused, _refusal)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(HTTPError, _validation_problem)
    app.register_error_handler(SQLAlchemyError, _database_problem)
    app.register_error_handler(OSError, _disk_problem)
    app.register_error_handler(Exception, _unforeseen_problem)


def _refusal(error: Refused) -> Response:
    """What the rules below the web refuse, in HTTP."""
    headers = []
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    if isinstance(error, ConfirmationRequired):
        headers.append((CONFIRMATION_HEADER, "required"))
    fields = error.fields if isinstance(error, InvalidFields) else None
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return problem_response(status, error.detail, fields=fields, headers=headers)


def _http_problem(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # Flask's own responses are Response
    return problem_response(error.code or 500, _sentence(error), headers=error.get_headers())


def _sentence(error: HTTPException) -> str:
    """The words that somebody of ours raised it with, or ours for Werkzeug's own."""
    if error.description is not None and error.description != type(error).description:
        return error.description
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        methods = ", ".join(sorted(error.valid_methods))
        return message("This address only accepts {methods}.", methods=methods)
    return _SENTENCES.get(HTTPStatus(error.code or 500), message("The server can't answer this request."))


def _validation_problem(error: HTTPError) -> Response:
    """What a schema refused; the places come from pydantic, which APIFlask keeps as the cause."""
    cause = error.__cause__
    if not isinstance(cause, PydanticValidationError):
        return problem_response(error.status_code, str(error.message))
    fields = [
        RejectedField(_pointer(problem["loc"]), reason_of(problem))
        for problem in cause.errors(include_url=False, include_input=False)
    ]
    return problem_response(422, _in_one_sentence(fields), fields=fields[:100])


def _in_one_sentence(fields: list[RejectedField]) -> str:
    """What pages show that know of no `errors`: the reason, where there is one."""
    if len(fields) > 1:
        return SOME_INVALID
    (field,) = fields
    # Some pages put a message into their HTML, so a field's name that the sender made up does not go back.
    name = re.fullmatch("#/([a-z0-9_/]{1,60})", field.pointer)
    if name is None:
        return field.detail
    return message("{field}: {reason}", field=name[1], reason=field.detail)


def _pointer(location: tuple[int | str, ...]) -> str:
    """A place as RFC 6901, section 4, writes it. Steps in parentheses name a union's shape, no place."""
    places = (str(step) for step in location if not str(step).startswith("("))
    steps = (place.replace("~", "~0").replace("/", "~1") for place in places)
    # A key may hold half of a surrogate pair, which could not be sent back.
    return "#" + "".join(f"/{step}" for step in steps).encode("utf-8", "replace").decode()[:200]


def _database_problem(error: SQLAlchemyError) -> Response:
    """What every error of the database becomes: 409 for a race, 503 for trouble, 500 for a bug."""
    fault = fault_of(error)
    if fault in _RACES:
        log.info("somebody else was first", fault=fault)
        return problem_response(409, _RACES[fault])
    if fault not in _TROUBLES:
        return _unforeseen_problem(error)
    detail, retry_s = _TROUBLES[fault]
    log.error("the database cannot serve", fault=fault, remedy="run `homeroom doctor`", exc_info=error)
    return problem_response(503, detail, headers=[("Retry-After", str(retry_s))])


def _disk_problem(error: OSError) -> Response:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return _unforeseen_problem(error)
    log.error("disk is full", exc_info=error)
    return problem_response(
        503,
        NO_ROOM,
        headers=[("Retry-After", str(OPERATOR_RETRY_S))],
    )


def _unforeseen_problem(error: Exception) -> Response:
    log.error("unforeseen error", exc_info=error)
    return problem_response(500, message("Something went wrong on the server."))
