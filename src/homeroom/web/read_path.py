"""The read path: what is asked most is answered again as Flask answered it, while nothing has changed.

A WSGI layer around Flask. The first time somebody asks at one of the kept paths, Flask answers and the answer
is kept, together with the version of the directory that it was made from. As long as the version is the same
and the session lives, the same bytes are given again. Why that is exact, on both databases, stands in
docs/decisions/read-path.md.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import Accept
from werkzeug.http import http_date, parse_accept_header
from werkzeug.sansio.http import parse_cookie

from homeroom.config import Config
from homeroom.data.commit_watch import CommitWatch
from homeroom.data.database import db
from homeroom.data.errors import NotSignedIn
from homeroom.data.types import utc_now
from homeroom.web.compression import accepts_gzip
from homeroom.web.logs import choose_request_id, per_request_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS = frozenset({"GET", "HEAD"})
_ADDRESS = (
    *("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT"),
    *("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"),
)
_DEPENDS_ON = ("HTTP_ORIGIN", "HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING", *_ADDRESS)
# Requests with one of these are rare, and Flask knows what to do.
_LEFT_TO_FLASK = ("HTTP_IF_MATCH", "HTTP_TRANSFER_ENCODING", "SCRIPT_NAME")
# Every viewer's list is another answer. What does not fit is made anew.
MAX_KEPT_BYTES = 32 * 1024 * 1024
MAX_KEPT_SESSIONS = 10_000
# Beside its bytes an answer costs objects and the places that hold them.
_ANSWER_OVERHEAD_BYTES = 2048
# Everything that a key is made of comes from outside. What is larger than any page of ours sends, or asks
# for what the directory does not know, is left to Flask and not kept.
MAX_COOKIES_LENGTH = 2048
MAX_QUERY_LENGTH = 512
MAX_HEADER_LENGTH = 200

log = structlog.get_logger(__name__)


class Viewer(Protocol):
    """Who asks, and what was true in the database then; it stays so until `good_until` or a commit."""

    @property
    def user_id(self) -> int: ...
    @property
    def directory_version(self) -> int: ...
    @property
    def good_until(self) -> datetime: ...


# Raises `NotSignedIn` (401) for tokens of nobody.
Authenticate = Callable[[Sequence[str], Connection], Viewer]


@dataclass(frozen=True)
class KeptRoutes:
    """Whose answers are kept.

    They depend on nothing but the users of the directory, the viewer, the day, the server's own address, and
    the headers below.
    """

    # Without their trailing slashes.
    paths: frozenset[str]
    # The names that a query may have; with another one it is left to Flask.
    parameters: frozenset[str]


Headers = list[tuple[str, str]]
# What was asked, by whom: all that an answer depends on beside the generation.
Question = tuple[str | int | None, ...]


@dataclass(frozen=True)
class Generation:
    """Answers of one generation may be given again: neither the directory nor anybody's age has changed."""

    directory_version: int
    day: date


@dataclass(frozen=True)
class Answer:
    """What Flask answered."""

    status: str
    headers: Headers
    body: bytes

    @property
    def size(self) -> int:
        """What it takes in memory, in bytes, with the places that hold it."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.body) + headers + _ANSWER_OVERHEAD_BYTES


class KeptAnswers:
    """The answers of one generation; an older generation is forgotten whole."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation: Generation | None = None
        self._answers: dict[Question, Answer] = {}
        self._bytes = 0

    def get(self, generation: Generation, question: Question) -> Answer | None:
        with self._lock:
            return self._answers.get(question) if generation == self._generation else None

    def put(self, generation: Generation, question: Question, answer: Answer) -> None:
        size = answer.size + sum(len(part) for part in question if isinstance(part, str))
        with self._lock:
            # A slow thread may come with an older generation: it only makes the next one begin anew.
            if generation != self._generation or self._bytes + size > MAX_KEPT_BYTES:
                self._generation, self._answers, self._bytes = generation, {}, 0
            self._answers[question] = answer
            self._bytes += size


class ReadPath:
    """A WSGI layer that answers the directory from memory and leaves everything else to Flask."""

    def __init__(self, app: Flask, config: Config, *, routes: KeptRoutes, authenticate: Authenticate) -> None:
        self._app = app
        self._paths = frozenset(path + slash for path in routes.paths for slash in ("", "/"))
        self._parameters = routes.parameters
        self._ask_who = authenticate
        self._flask: WSGIApplication = app.wsgi_app
        self._config = config
        self._origins = frozenset(config.frontend_origins)
        self._answers = KeptAnswers()
        # Whose session was found alive, and at which mark of the watch.
        self._sessions: dict[tuple[str, ...], tuple[int, Viewer]] = {}
        with app.app_context():
            self._watch = CommitWatch(db.engine)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not self._may_be_kept(environ):
            return self._flask(environ, start_response)
        started_at = time.perf_counter()
        try:
            viewer = self._authenticate(_tokens(environ["HTTP_COOKIE"], self._config.cookie_name))
        except (NotSignedIn, SQLAlchemyError):
            # Flask refuses in the one shape, and the log says why.
            return self._flask(environ, start_response)
        generation = Generation(viewer.directory_version, self._config.today())
        question = (viewer.user_id, *_question(environ))
        answer = self._answers.get(generation, question)
        if answer is None:
            return self._ask_flask(environ, start_response, generation, question)
        elapsed_s = time.perf_counter() - started_at
        log.debug("answered from memory", path=environ["PATH_INFO"], user=viewer.user_id)
        request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""), self._config)
        own = per_request_headers(request_id, elapsed_s=elapsed_s, database_s=0)
        own["Date"] = _http_date(int(time.time()))
        start_response(answer.status, [(name, own.get(name, value)) for name, value in answer.headers])
        return (answer.body,)

    def _may_be_kept(self, environ: "WSGIEnvironment") -> bool:
        return (
            environ["PATH_INFO"] in self._paths
            and environ["REQUEST_METHOD"] in METHODS
            and "HTTP_COOKIE" in environ
            # Of an origin that is not admitted, the log shall speak each time.
            and ("HTTP_ORIGIN" not in environ or environ["HTTP_ORIGIN"] in self._origins)
            and not any(environ.get(name) for name in _LEFT_TO_FLASK)
            and environ.get("CONTENT_LENGTH") in (None, "", "0")
            and _is_small(environ)
            and self._is_known(environ.get("QUERY_STRING", ""))
        )

    def _is_known(self, query: str) -> bool:
        return not query or all(part.partition("=")[0] in self._parameters for part in query.split("&"))

    def _authenticate(self, tokens: tuple[str, ...]) -> Viewer:
        """Who asks; the database is asked again as soon as anybody has committed anything.

        Raises:
            NotSignedIn: nobody who is signed in (401).
            SQLAlchemyError: the database does not answer (503).
        """
        mark = self._watch.mark()
        if mark is not None:
            kept = self._sessions.get(tokens)
            if kept is not None and kept[0] == mark and utc_now() < kept[1].good_until:
                return kept[1]
        with self._app.app_context(), self._watch.connect() as connection:
            viewer = self._ask_who(tokens, connection)
        if mark is not None:
            self._keep_session(tokens, mark, viewer)
        return viewer

    def _keep_session(self, tokens: tuple[str, ...], mark: int, viewer: Viewer) -> None:
        if len(self._sessions) >= MAX_KEPT_SESSIONS:
            self._sessions.clear()
        self._sessions[tokens] = (mark, viewer)

    def _ask_flask(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        generation: Generation,
        question: Question,
    ) -> Iterable[bytes]:
        """Let Flask answer and keep the answer.

        The generation was read before: what Flask reads is that or newer, so an answer may be kept under
        a generation that is over already, which costs nothing, but never the other way about.
        """
        begun: list[tuple[str, Headers]] = []

        def begin(status: str, headers: Headers, exc_info: Any = None) -> Any:
            begun[:] = [(status, headers)]
            return start_response(status, headers, exc_info)

        chunks = self._flask(environ, begin)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        ((status, headers),) = begun
        # A text for people is in one of several languages, which no question here tells.
        if status.startswith(("200 ", "304 ")) and not any(name == "Content-Language" for name, _ in headers):
            self._answers.put(generation, question, Answer(status, headers, body))
        return (body,)


# The function that Flask's own request uses; the one of werkzeug.http fails on what is no UTF-8.
@lru_cache(maxsize=1024)
def _tokens(cookies: str, name: str) -> tuple[str, ...]:
    return tuple(parse_cookie(cookies).getlist(name))


@lru_cache(maxsize=1024)
def _takes_gzip(accepted: str) -> bool:
    """As `answers.py` asks Flask's request, so that all browsers share one answer in each encoding."""
    return accepts_gzip(parse_accept_header(accepted, Accept))


def _is_small(environ: "WSGIEnvironment") -> bool:
    return (
        len(environ["HTTP_COOKIE"]) <= MAX_COOKIES_LENGTH
        and len(environ.get("QUERY_STRING", "")) <= MAX_QUERY_LENGTH
        and all(len(environ.get(name, "")) <= MAX_HEADER_LENGTH for name in _DEPENDS_ON)
    )


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return http_date(second)


def _question(environ: "WSGIEnvironment") -> Question:
    return (
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ORIGIN"),
        environ.get("HTTP_IF_NONE_MATCH"),
        _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")),
        # Once for all answers that were asked for at this address.
        sys.intern("\n".join(environ.get(name) or "" for name in _ADDRESS)),
    )
