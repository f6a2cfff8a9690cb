"""The site from memory: each page, script and style as Flask sent it, until a file of the site changes.

Browsers ask for some twenty files for a page, and most are asked for by everybody.
"""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from homeroom.config import Config
from homeroom.data.types import utc_now
from homeroom.web.giving_again import ask, give_again
from homeroom.web.kept_answers import KeptAnswers, Question
from homeroom.web.kept_questions import METHODS, is_small, language_asked, takes_gzip
from homeroom.web.site_templates import SITE
from homeroom.web.site_texts import language_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_KEPT_SITE_BYTES = 4 * 1024 * 1024
# A student who saves a file sees it with the next look at the page.
_LOOK_EVERY_S = 0.25
_API = "/api/"
# Requests with one of these are rare, or what they get depends on more.
_LEFT_TO_FLASK = (
    *("HTTP_ORIGIN", "HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"),
    *("HTTP_TRANSFER_ENCODING", "SCRIPT_NAME"),
)


class SiteMemory:
    """A WSGI layer that sends the site's files from memory and leaves everything else to what is below."""

    def __init__(self, flask: "WSGIApplication", config: Config, *, folder: Path = SITE) -> None:
        self._flask = flask
        self._config = config
        self._languages = language_names(folder)
        self._files = _Files(folder)
        self._answers = KeptAnswers(MAX_KEPT_SITE_BYTES)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        if not _asks_for_the_site(environ):
            return self._flask(environ, start_response)
        started_at = time.perf_counter()
        # Before the files are read: an answer may be newer than what it is kept with, never older.
        basis = (self._files.state(),)
        question = self._question(environ)
        answer = self._answers.get(question, basis, utc_now())
        if answer is not None:
            return give_again(answer, environ, start_response, self._config, started_at=started_at)
        answer, body = ask(self._flask, environ, start_response)
        # Whatever a browser says that it has: kept are the whole answer, and what has not changed.
        if answer is not None and (answer.status.startswith("304 ") or not environ.get("HTTP_IF_NONE_MATCH")):
            self._answers.put(question, basis, answer)
        return body

    def _question(self, environ: "WSGIEnvironment") -> Question:
        return (
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ.get("HTTP_IF_NONE_MATCH"),
            takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")),
            language_asked(environ, self._languages),
        )


class _Files:
    """Whether the site's files are the same; looked at now and then, not for each request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._state = 0

    def state(self) -> int:
        """A number that changes when a file is changed, comes or goes."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked_at >= _LOOK_EVERY_S:
                self._looked_at = now
                self._state = hash(tuple(sorted(map(_change, self._folder.rglob("*")))))
            return self._state


def _change(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        # It has gone meanwhile.
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size


def _asks_for_the_site(environ: "WSGIEnvironment") -> bool:
    return (
        environ["REQUEST_METHOD"] in METHODS
        and not environ["PATH_INFO"].startswith(_API)
        and not any(environ.get(name) for name in _LEFT_TO_FLASK)
        # A date counts only where no tag does (RFC 9110, section 13.1.3).
        and ("HTTP_IF_MODIFIED_SINCE" not in environ or "HTTP_IF_NONE_MATCH" in environ)
        and is_small(environ)
    )
