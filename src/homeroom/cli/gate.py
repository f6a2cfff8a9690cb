"""The gate before the app: requests never take all of a worker's threads, and unfinished bodies only some.

Granian bounds the time for a request's head, not for its body, which the answering thread reads. So a guest
with seventy connections could hold every thread with bodies that never end, and a database that hangs could
do the same; nobody would learn from such a worker even that it lives. Here a request without a place is told
to come back at once (503), and `/api/health/live` needs no place.
"""

import io
import json
import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from homeroom.auth.limits import network_of
from homeroom.translations.catalogues import catalogue, languages
from homeroom.translations.messages import message
from homeroom.uploads.patience import WAIT_S, holding
from homeroom.web.incoming import SIGNED_IN
from homeroom.web.kept_questions import language_asked
from homeroom.web.problems import MEDIA_TYPE, problem_members

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LIVE_PATHS = frozenset({"/api/health/live", "/api/health/live/"})
# Bodies on their way: in all, of one network, and how many requests may wait for one to arrive. Small and
# large ones have places of their own, so that nobody's pictures keep others from signing in or saving. A page
# that sends all pictures of a project at once, 24, leaves as many places for others.
BODIES = 48
BODIES_OF_ONE = 24
BODIES_WAITING = 24
# What is read at once, before the app is called; larger bodies keep their place until the answer.
SMALL_BODY_BYTES = 64 * 1024
# How much is read of a body that was refused, so that its sender hears why: more than a photograph has.
# Whoever isn't signed in, or may not do this, makes it read nothing: a thread would wait for them.
MAX_LEFT_BYTES = 32 * 1024 * 1024
# A small body that was sent is there within milliseconds, and nobody waits longer for a place. Pictures are
# decoded one after the other, and of a class that shares an address some wait until others' are done.
SMALL_BODY_WAIT_S = 1.0
RETRY_S = 2

_BUSY = message("The server is busy. Try again in a few seconds.")

log = structlog.get_logger(__name__)


class NoPlaceError(Exception):
    """Too many requests are under way."""


class BodyPlaces:
    """Places for bodies on their way, of which no network has more than its share."""

    def __init__(self, places: int, share: int, waiting: int, wait_s: float) -> None:
        self._places, self._share, self._wait_s = places, share, wait_s
        self._queue = threading.BoundedSemaphore(waiting)
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, network: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            NoPlaceError: none became free soon.
        """
        if not self._take(network, wait_s=0) and not self._wait(network):
            raise NoPlaceError
        try:
            yield
        finally:
            with self._changed:
                self._taken[network] -= 1
                self._taken += Counter()
                self._changed.notify_all()

    def _wait(self, network: str) -> bool:
        if not self._queue.acquire(blocking=False):
            return False
        try:
            return self._take(network, wait_s=self._wait_s)
        finally:
            self._queue.release()

    def _take(self, network: str, *, wait_s: float) -> bool:
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(network), wait_s):
                return False
            self._taken[network] += 1
            return True

    def _is_free(self, network: str) -> bool:
        return self._taken.total() < self._places and self._taken[network] < self._share


class Gate:
    """The WSGI layer; `places` is how many requests may be under way, fewer than the server has threads."""

    def __init__(self, app: "WSGIApplication", *, places: int, behind_proxy: bool) -> None:
        self._app = app
        self._places = threading.BoundedSemaphore(places)
        self._behind_proxy = behind_proxy
        # A proxy of ours sends bodies that it has read to their end, and is everybody's address.
        share = BODIES if behind_proxy else BODIES_OF_ONE
        self._small = BodyPlaces(BODIES, share, BODIES_WAITING, SMALL_BODY_WAIT_S)
        self._large = BodyPlaces(BODIES, share, BODIES_WAITING, WAIT_S)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in LIVE_PATHS and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._app(environ, start_response)
        if not self._places.acquire(blocking=False):
            return _refuse(environ, start_response, "requests")
        try:
            return self._with_body(environ, start_response)
        except NoPlaceError:
            return _refuse(environ, start_response, "unfinished bodies")
        finally:
            self._places.release()

    def _with_body(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if not chunked and not (length.isdecimal() and int(length) > 0):
            return self._app(environ, start_response)
        network = network_of(environ.get("REMOTE_ADDR", ""))
        if chunked or int(length) > SMALL_BODY_BYTES:
            with holding(self._large.place(network), environ):
                return self._with_large_body(environ, start_response)
        with self._small.place(network):
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
        return self._app(environ, start_response)

    def _with_large_body(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            begun[:] = [(status, headers)]

        answer = self._app(environ, begin)
        ((status, headers),) = begun
        may_send = environ.get(SIGNED_IN, False) and not status.startswith("403")
        # A proxy of ours has read it, so this takes milliseconds.
        most = math.inf if self._behind_proxy else MAX_LEFT_BYTES if may_send else 0
        if not _read_rest(environ, most):
            # Otherwise its sender asks the next thing on a connection that is about to be closed.
            headers.append(("Connection", "close"))
        start_response(status, headers)
        return answer


def _read_rest(environ: "WSGIEnvironment", max_bytes: float) -> bool:
    """Take what the app left of a body, and say whether that was all of it.

    The server closes a connection on which something still comes in, and whoever is sending may then lose the
    answer: a proxy would tell that the site is away, and a page that nobody answers.
    """
    while max_bytes > 0:
        chunk = environ["wsgi.input"].read(SMALL_BODY_BYTES)
        if not chunk:
            return True
        max_bytes -= len(chunk)
    return False


def _refuse(environ: "WSGIEnvironment", start_response: "StartResponse", what: str) -> Iterable[bytes]:
    log.warning("a request was refused", too_many=what)
    language = language_asked(environ, languages())
    body = json.dumps(problem_members(503, _BUSY.written(catalogue(language)))).encode()
    start_response(
        "503 Service Unavailable",
        [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("Content-Language", language),
            ("Cache-Control", "no-store"),
            ("Retry-After", str(RETRY_S)),
        ],
    )
    return [body]
