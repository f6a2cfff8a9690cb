"""What layers around Flask that keep its answers have in common: to give one again, and to take one down."""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from werkzeug.http import http_date

from homeroom.config import Config
from homeroom.web.kept_answers import KEEP_UNTIL, Answer, Headers
from homeroom.web.logs import choose_request_id, per_request_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


# How the statuses of answers begin that may be given again.
GIVEN_AGAIN = ("200 ", "304 ")


def give_again(
    answer: Answer,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    config: Config,
    *,
    started_at: float,
) -> Iterable[bytes]:
    """Answer a request as another one was answered; `started_at` is of `time.perf_counter`."""
    request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""), config)
    own = per_request_headers(request_id, elapsed_s=time.perf_counter() - started_at, database_s=0)
    own["Date"] = _http_date(int(time.time()))
    start_response(answer.status, [(name, own.get(name, value)) for name, value in answer.headers])
    return (answer.body,)


def ask(
    flask: "WSGIApplication",
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    statuses: tuple[str, ...] = GIVEN_AGAIN,
) -> tuple[Answer | None, Iterable[bytes]]:
    """Let Flask answer: what to send, and the answer to keep; None: it may not be given again."""
    begun: list[tuple[str, Headers]] = []

    def begin(status: str, headers: Headers, exc_info: Any = None) -> Any:
        begun[:] = [(status, headers)]
        return start_response(status, headers, exc_info)

    chunks = flask(environ, begin)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    ((status, headers),) = begun
    may_be_kept = status.startswith(statuses) and not any(name == "Set-Cookie" for name, _ in headers)
    return Answer(status, headers, body, environ.get(KEEP_UNTIL)) if may_be_kept else None, (body,)


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return http_date(second)
