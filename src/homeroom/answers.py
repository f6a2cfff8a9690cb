"""Answers for one pair of eyes, and lists of which more pages follow; in the same habit everywhere."""

from typing import Any

from flask import Response, jsonify, request

from homeroom.pagination import Page


def private_answer(response: Response) -> Response:
    """Kept by the browser alone, and asked about each time; an entity tag that is set already stays."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]  # Flask's Response


def page_answer(shown: list[dict[str, Any]], page: Page[Any], total: int) -> Response:
    """A page of a list: the body stays an array, headers tell the total and the way on (RFC 8288)."""
    response = jsonify(shown)
    response.headers["X-Total-Count"] = str(total)
    if page.link is not None:
        response.headers["Link"] = page.link
    return private_answer(response)
