"""When sessions were last used, noted beside the requests: nobody's page waits for this, or fails for it.

A class that comes back from a break has forty sessions to note within a second. Each request leaves its
note here, and one thread of the process writes all of them at once, a moment later.
"""

import threading
from datetime import datetime
from typing import cast

import structlog
from flask import Flask, current_app
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from homeroom.auth.models import UserSession
from homeroom.data.faults import fault_of
from homeroom.data.transactions import side_transaction

# A process that is killed forgets what it has not written: as much as this.
WRITE_AFTER_S = 2
# What cannot be written does not pile up: a session is noted again when it is used again.
MAX_NOTES = 10_000

log = structlog.get_logger(__name__)

_UNLOCKED = (
    select(UserSession.id)
    .where(UserSession.id.in_(bindparam("ids", expanding=True)))
    # Somebody ends one of them at this moment: whoever waits for several rows may wait in a circle.
    .with_for_update(skip_locked=True)
)
_NOTE = update(UserSession).where(UserSession.id == bindparam("session_id"))


class LastUses:
    """The notes of one app; their thread is started by the first one and ends when all are written."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._waiting: dict[str, datetime] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, session_id: str, now: datetime) -> None:
        """Remember that a session was used, for the thread to write."""
        with self._lock:
            if len(self._waiting) < MAX_NOTES:
                self._waiting[session_id] = now
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_until_done, name="last-use", daemon=True)
                self._thread.start()

    def noted(self, session_id: str) -> datetime | None:
        """A note that is not written yet."""
        return self._waiting.get(session_id)

    def write(self) -> None:
        """Write what waits; a database that cannot take it now is told again by the next use."""
        with self._lock:
            notes, self._waiting = self._waiting, {}
        if not notes:
            return
        try:
            with self._app.app_context(), side_transaction() as connection:
                ids = sorted(connection.scalars(_UNLOCKED, {"ids": list(notes)}))
                if ids:
                    connection.execute(
                        _NOTE.values(last_used_at=bindparam("used_at")),
                        [{"session_id": name, "used_at": notes[name]} for name in ids],
                    )
        except SQLAlchemyError as error:
            log.info("the use of sessions was not noted", sessions=len(notes), fault=fault_of(error))

    def close(self) -> None:
        """Write what waits at once; the app is about to let go of its database."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _write_until_done(self) -> None:
        while True:
            self._closing.wait(WRITE_AFTER_S)
            self.write()
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return


def init_last_use(app: Flask) -> None:
    """Give the app its notes."""
    app.extensions["homeroom_last_use"] = LastUses(app)


def current_last_uses() -> LastUses:
    """The app's notes."""
    return cast("LastUses", current_app.extensions["homeroom_last_use"])
