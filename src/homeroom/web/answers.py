"""Answers: a view returns data, and what it declares with `@bp.output` is what is sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec

import msgspec
from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response, current_app, request
from pydantic import BaseModel, Field

from homeroom.web.compression import compress
from homeroom.web.pagination import Page
from homeroom.web.schema import Output

_READING = ("GET", "HEAD")

Inputs = ParamSpec("Inputs")


class VersionHeaders(Output):
    """What an answer says that its reader may keep: which version of it this is (RFC 9110, 8.8.3)."""

    etag: str = Field(
        alias="ETag",
        description="Send it as `If-None-Match`: if nothing has changed, the answer is a 304 without a body.",
    )


class PageHeaders(VersionHeaders):
    """What a page of a list says about the others."""

    link: str | None = Field(
        default=None,
        alias="Link",
        description='The next page, as `<…>; rel="next"`; absent on the last page.',
    )
    total: int | None = Field(
        default=None,
        alias="X-Total-Count",
        description="The number of items on all pages; absent if too many match to count.",
    )


@dataclass(frozen=True)
class Answer:
    """Data, and what a view says beside it."""

    data: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    # None: made of the body, where the view declares `VersionHeaders`.
    etag: str | None = None


def page_answer(shown: Sequence[Any], page: Page[Any], total: int | None) -> Answer:
    """A page of a list: the body stays an array, headers tell the total and the way on (RFC 8288).

    Where more rows match than are worth counting, there is no total.
    """
    headers = {} if total is None else {"X-Total-Count": str(total)}
    if page.link is not None:
        headers["Link"] = page.link
    return Answer(shown, headers)


class Blueprint(APIBlueprint):
    """A blueprint whose views return data; a `Response`, such as a file, is sent as it is."""

    def output(  # type: ignore[override]  # what we declare is a part of what APIFlask knows
        self,
        schema: type[BaseModel] | FileSchema,
        status_code: int = 200,
        *,
        headers: type[VersionHeaders] | None = None,
        **documented: Any,
    ) -> Callable[[Callable[Inputs, Any]], Callable[Inputs, Response]]:
        """Declare what a view answers with.

        APIFlask documents it. Sending is done here: its own way fills in each field that a viewer does not
        get with null, and validates at every request what tests have validated. In tests, what is sent must
        be what is declared, to the last field.

        Args:
            headers: `VersionHeaders` for an answer that its reader keeps and asks about again; `PageHeaders`
                for a list of which more pages follow.
        """
        declare = super().output(schema, status_code, headers=headers, **documented)

        def decorator(view: Callable[Inputs, Any]) -> Callable[Inputs, Response]:
            @wraps(view)
            def answering(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Response:
                answer = view(*args, **kwargs)
                if isinstance(answer, Response):
                    return answer
                answer = answer if isinstance(answer, Answer) else Answer(answer)
                body = msgspec.json.encode(answer.data)
                if current_app.testing and isinstance(schema, type):
                    schema.model_validate_json(body, strict=True, extra="forbid", by_alias=True)
                return _response(answer, body, status_code, headers)

            return declare(answering)

        return decorator


def _response(
    answer: Answer, body: bytes, status_code: int, declared: type[VersionHeaders] | None
) -> Response:
    response = Response(body + b"\n", status_code, answer.headers, mimetype="application/json")
    if declared is None:
        return response
    if declared is PageHeaders:
        # Before its tag is made: that of another encoding is another one.
        compress(response)
    if answer.etag is not None:
        response.set_etag(answer.etag)
    if request.method not in _READING:
        return response
    # Cached by this browser alone, and revalidated on every use.
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]  # Flask's Response
