"""Answers for one pair of eyes, and lists of which more pages follow; in the same habit everywhere."""

import gzip
from typing import Any

import msgspec
from flask import Response, request
from pydantic import Field
from werkzeug.datastructures import Accept

from homeroom.web.pagination import Page
from homeroom.web.schema import Output

# Below that a packet more or less is not the point.
_MIN_COMPRESSED_BYTES = 1024


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
        description='The next page, as `<…>; rel="next"`; not there on the last one.',
    )
    total: int | None = Field(
        default=None,
        alias="X-Total-Count",
        description="How many there are on all pages; not there where more match than are worth counting.",
    )


def private_answer(response: Response) -> Response:
    """Kept by the browser alone, and asked about each time; an entity tag that is set already stays."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]  # Flask's Response


def page_answer(shown: list[dict[str, Any]], page: Page[Any], total: int | None) -> Response:
    """A page of a list: the body stays an array, headers tell the total and the way on (RFC 8288).

    Where more rows match than are worth counting, there is no total.
    """
    response = Response(msgspec.json.encode(shown) + b"\n", mimetype="application/json")
    if total is not None:
        response.headers["X-Total-Count"] = str(total)
    if page.link is not None:
        response.headers["Link"] = page.link
    return private_answer(_compressed(response))


def accepts_gzip(encodings: Accept) -> bool:
    """Whether a browser takes gzip, which `Accept-Encoding` says."""
    return encodings.quality("gzip") > 0


def _compressed(response: Response) -> Response:
    """The answer as gzip, if the browser takes it; its entity tag is then another one (RFC 9110, 8.8.3.3)."""
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= _MIN_COMPRESSED_BYTES and accepts_gzip(request.accept_encodings):
        # No time of day in it: equal lists have equal tags.
        response.set_data(gzip.compress(body, mtime=0))
        response.content_encoding = "gzip"
    return response
