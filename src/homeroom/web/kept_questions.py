"""Which requests may be answered from memory, and what of a request its answer depends on."""

import re
import sys
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.sansio.http import parse_cookie

from homeroom.config import Config
from homeroom.translations.catalogues import languages
from homeroom.web.compression import accepts_gzip
from homeroom.web.kept_answers import KeptRoute, Question
from homeroom.web.languages import COOKIE, language_for

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

METHODS = frozenset({"GET", "HEAD"})
_ADDRESS = (
    *("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT"),
    *("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"),
)
_HEADERS = (
    "HTTP_ORIGIN",
    "HTTP_IF_NONE_MATCH",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    *_ADDRESS,
)
# Requests with one of these are rare, and Flask knows what to do.
_LEFT_TO_FLASK = ("HTTP_IF_MATCH", "HTTP_TRANSFER_ENCODING", "SCRIPT_NAME")
# Everything that a question is made of comes from outside. What is larger than any page of ours sends, or
# asks for what a route does not know, is left to Flask and not kept.
MAX_COOKIES_LENGTH = 2048
MAX_QUERY_LENGTH = 512
MAX_HEADER_LENGTH = 200
MAX_PATH_LENGTH = 200


class Asked(NamedTuple):
    """A request whose answer may be kept."""

    route: KeptRoute
    tokens: tuple[str, ...]
    question: Question


class _Cookies(NamedTuple):
    """What of a request's cookies counts."""

    tokens: tuple[str, ...]
    language: str


class KeptQuestions:
    """Finds the requests that may be answered from memory."""

    def __init__(self, routes: Sequence[KeptRoute], config: Config) -> None:
        self._routes = routes
        self._paths = re.compile("(?:" + "|".join(f"({route.path})" for route in routes) + ")/?")
        self._origins = frozenset(config.frontend_origins)
        self._cookie_name = config.cookie_name

    def read(self, environ: "WSGIEnvironment") -> Asked | None:
        """What a request asks; None: it is left to Flask."""
        if environ["REQUEST_METHOD"] not in METHODS:
            return None
        route = self._route_at(environ["PATH_INFO"])
        if route is None or not self._is_usual(environ) or not _knows(route, environ.get("QUERY_STRING", "")):
            return None
        cookies = _cookies(environ.get("HTTP_COOKIE", ""), self._cookie_name)
        if not cookies.tokens and not route.for_guests:
            return None
        return Asked(route, cookies.tokens, _question(environ, cookies.language))

    def _route_at(self, path: str) -> KeptRoute | None:
        found = None if len(path) > MAX_PATH_LENGTH else self._paths.fullmatch(path)
        return None if found is None or found.lastindex is None else self._routes[found.lastindex - 1]

    def _is_usual(self, environ: "WSGIEnvironment") -> bool:
        return (
            # Of an origin that is not admitted, the log shall speak each time.
            ("HTTP_ORIGIN" not in environ or environ["HTTP_ORIGIN"] in self._origins)
            and not any(environ.get(name) for name in _LEFT_TO_FLASK)
            and environ.get("CONTENT_LENGTH") in (None, "", "0")
            and is_small(environ)
        )


def _knows(route: KeptRoute, query: str) -> bool:
    return not query or all(part.partition("=")[0] in route.parameters for part in query.split("&"))


def is_small(environ: "WSGIEnvironment") -> bool:
    """Whether what a question is made of is no larger than browsers send it."""
    return (
        len(environ.get("HTTP_COOKIE", "")) <= MAX_COOKIES_LENGTH
        and len(environ.get("QUERY_STRING", "")) <= MAX_QUERY_LENGTH
        and all(len(environ.get(name, "")) <= MAX_HEADER_LENGTH for name in _HEADERS)
    )


# The function that Flask's own request uses; the one of werkzeug.http fails on what is no UTF-8.
@lru_cache(maxsize=1024)
def _cookies(header: str, name: str) -> _Cookies:
    cookies = parse_cookie(header)
    return _Cookies(tuple(cookies.getlist(name)), cookies.get(COOKIE, ""))


def language_asked(environ: "WSGIEnvironment", available: Collection[str]) -> str:
    """The best of the available languages for a reader: what they chose, or else what their browser asks."""
    chosen = _cookies(environ.get("HTTP_COOKIE", ""), "").language
    return language_for(chosen, environ.get("HTTP_ACCEPT_LANGUAGE", ""), available)


@lru_cache(maxsize=1024)
def takes_gzip(accepted: str) -> bool:
    """Whether a browser takes gzip, asked as of Flask's request; so all browsers share one answer in each."""
    return accepts_gzip(parse_accept_header(accepted, Accept))


def _question(environ: "WSGIEnvironment", language: str) -> Question:
    return (
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ORIGIN"),
        environ.get("HTTP_IF_NONE_MATCH"),
        takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")),
        language_for(language, environ.get("HTTP_ACCEPT_LANGUAGE", ""), languages()),
        # Once for all answers that were asked for at this address.
        sys.intern("\n".join(environ.get(name) or "" for name in _ADDRESS)),
    )
