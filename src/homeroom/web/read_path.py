"""The read path: what is asked most is answered again as Flask answered it, while nothing has changed.

A WSGI layer around Flask. The first time somebody asks at one of the kept routes, Flask answers and the
answer is kept, together with the versions of what it was made from. As long as they are the same and the
session lives, the same bytes are given again. Why that is exact, on both databases, stands in
docs/decisions/read-path.md.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import structlog
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from homeroom.config import Config
from homeroom.data.commit_watch import CommitWatch
from homeroom.data.database import db
from homeroom.data.errors import NotSignedIn
from homeroom.data.types import utc_now
from homeroom.web.giving_again import GIVEN_AGAIN, ask, give_again
from homeroom.web.kept_answers import (
    ASKER,
    MAX_KEPT_BYTES,
    SHARE,
    Answer,
    Basis,
    KeptAnswers,
    KeptRoute,
    Question,
    SharedValues,
    Underway,
    Versions,
)
from homeroom.web.kept_questions import KeptQuestions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_KEPT_SESSIONS = 10_000
# What a refusal depends on, beside its reason and the request.
_REFUSED: Basis = ("refused",)

log = structlog.get_logger(__name__)


class Asker(Protocol):
    """Who asks, and what was true in the database then; it stays so until `good_until` or a commit.

    A guest has no ids.
    """

    @property
    def user_id(self) -> int | None: ...
    @property
    def session_id(self) -> str | None: ...
    @property
    def versions(self) -> Versions: ...
    @property
    def good_until(self) -> datetime: ...


# A guest where there are no tokens; raises `NotSignedIn` (401) for tokens of nobody.
Authenticate = Callable[[Sequence[str], Connection], Asker]


class ReadPath:
    """A WSGI layer that answers the kept routes from memory and leaves everything else to Flask."""

    def __init__(
        self, app: Flask, config: Config, *, routes: Sequence[KeptRoute], authenticate: Authenticate
    ) -> None:
        self._app = app
        self._questions = KeptQuestions(routes, config)
        self._ask_who = authenticate
        self._flask: WSGIApplication = app.wsgi_app
        self._config = config
        self._answers = KeptAnswers(MAX_KEPT_BYTES)
        self._shared = SharedValues()
        self._underway = Underway()
        # Who was found to send which tokens, and at which mark of the watch.
        self._askers: dict[tuple[str, ...], tuple[int, Asker]] = {}
        with app.app_context():
            self._watch = CommitWatch(db.engine)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        asked = self._questions.read(environ)
        if asked is None:
            return self._flask(environ, start_response)
        started_at = time.perf_counter()
        # Before everything else: what is found at a mark may be newer than it, never older.
        mark = self._watch.mark()
        try:
            asker = self._authenticate(asked.tokens, mark)
        except NotSignedIn as refusal:
            environ[ASKER] = refusal
            return self._refuse(environ, start_response, asked.question, refusal, started_at)
        except SQLAlchemyError:
            # Flask meets the same trouble, and tells it.
            return self._flask(environ, start_response)
        # The guard need not look again.
        environ[ASKER] = asker
        basis = asked.route.basis(asker.versions, self._config.today(), mark)
        if basis is None:
            return self._flask(environ, start_response)
        environ[SHARE] = lambda key, make: self._shared.get(key, basis, make)
        session = asker.session_id if asked.route.by_session else None
        question = (asker.user_id, session, *asked.question)
        answer = self._answers.get(question, basis, utc_now())
        if answer is None:
            with self._underway.leading((question, basis)) as leads:
                answer = None if leads else self._answers.get(question, basis, utc_now())
                if answer is None:
                    return self._ask_flask(environ, start_response, basis, question)
        return self._give_again(answer, environ, start_response, asker.user_id, started_at)

    def _refuse(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        asked: Question,
        refusal: NotSignedIn,
        started_at: float,
    ) -> Iterable[bytes]:
        """Refuse as Flask has refused another one for the same reason: nothing but the reason may change.

        Where guests may look, Flask takes them for a guest instead, and that is not kept.
        """
        question = ("refused", str(refusal), *asked)
        answer = self._answers.get(question, _REFUSED, utc_now())
        if answer is None:
            return self._ask_flask(environ, start_response, _REFUSED, question, statuses=("401 ",))
        return self._give_again(answer, environ, start_response, None, started_at)

    def _give_again(
        self,
        answer: Answer,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        user_id: int | None,
        started_at: float,
    ) -> Iterable[bytes]:
        log.debug("answered from memory", path=environ["PATH_INFO"], user=user_id)
        return give_again(answer, environ, start_response, self._config, started_at=started_at)

    def _authenticate(self, tokens: tuple[str, ...], mark: int | None) -> Asker:
        """Who asks; the database is asked again as soon as anybody has committed anything.

        Raises:
            NotSignedIn: nobody who is signed in (401).
            SQLAlchemyError: the database does not answer (503).
        """
        if mark is not None:
            kept = self._askers.get(tokens)
            if kept is not None and kept[0] == mark and utc_now() < kept[1].good_until:
                return kept[1]
        with self._app.app_context(), self._watch.connect() as connection:
            asker = self._ask_who(tokens, connection)
        if mark is not None:
            self._keep_asker(tokens, mark, asker)
        return asker

    def _keep_asker(self, tokens: tuple[str, ...], mark: int, asker: Asker) -> None:
        if len(self._askers) >= MAX_KEPT_SESSIONS:
            self._askers.clear()
        self._askers[tokens] = (mark, asker)

    def _ask_flask(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        basis: Basis,
        question: Question,
        *,
        statuses: tuple[str, ...] = GIVEN_AGAIN,
    ) -> Iterable[bytes]:
        """Let Flask answer and keep the answer.

        The basis was read before: what Flask reads is that or newer, so an answer may be kept with a basis
        that is over already, which costs nothing, but never the other way about.
        """
        answer, body = ask(self._flask, environ, start_response, statuses)
        if answer is not None:
            self._answers.put(question, basis, answer)
        return body
