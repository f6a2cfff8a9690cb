"""Health: whether the process lives, and whether it can serve."""

import threading
import time
from datetime import datetime
from functools import cache
from typing import Any, cast

import structlog
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from homeroom.config import current_config
from homeroom.data.database import db
from homeroom.data.faults import Fault, fault_of
from homeroom.data.heartbeat import beat, read_each_table
from homeroom.operations.backup.state import Outcome, backup_state
from homeroom.translations.messages import message
from homeroom.web.answers import Blueprint
from homeroom.web.problems import problem_response
from homeroom.web.schema import Output

bp = Blueprint("health", __name__, url_prefix="/api/health", tag="Health")

LOOK_EVERY_S = 1.0
WRITE_EVERY_S = 10.0
_PULSE = "homeroom_pulse"
_UNREADY = {
    Fault.BUSY: message("The database is busy."),
    Fault.READ_ONLY: message("The database is read-only. To find out why, run `homeroom doctor`."),
    Fault.DISK_FULL: message("The disk of the database is full."),
    Fault.DAMAGED: message("The database is damaged. Restore a backup: `homeroom restore latest`."),
    Fault.OUTDATED: message("The database needs an upgrade: `homeroom db upgrade`."),
}

log = structlog.get_logger(__name__)


class Health(Output):
    """The state of the process or of what it needs."""

    status: str


class Seen(Output):
    """The caller's own request as it arrived here, for who looks after the proxy in front."""

    scheme: str
    host: str


class LastRun(Output):
    """When something was done last, whether it went well, and how many seconds ago it was."""

    when: datetime
    ok: bool
    age: int


class Readiness(Health):
    """Whether it can serve; and of its backups, which do not decide that, what is known."""

    # The last archive that is good, and whether the last try went well; null: there is none.
    backup: LastRun | None
    drill: LastRun | None
    seen: Seen


@bp.get("/live")
@bp.doc(operation_id="read_liveness")
@bp.output(Health)
def live() -> dict[str, Any]:
    """The process answers."""
    return {"status": "ok"}


@bp.get("/ready")
@bp.doc(
    operation_id="read_readiness",
    responses={503: "The database can't be read or written, or its tables aren't up to date."},
)
@bp.output(Readiness)
def ready() -> Response | dict[str, Any]:
    """The database can be read and written, and its tables are those that this version needs."""
    trouble = cast("_Pulse", current_app.extensions[_PULSE]).trouble()
    if trouble is not None:
        return problem_response(503, trouble)
    state = backup_state(current_config())
    return {
        "status": "ok",
        "backup": _last_run(state.good_backup, state.backup),
        "drill": _last_run(state.drill, state.drill),
        "seen": {"scheme": request.scheme, "host": request.host},
    }


class _Pulse:
    """What was found out last: whoever asks often, a guest perhaps, does not make it cost more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = self._beaten_at = -WRITE_EVERY_S
        self._trouble: str | None = None

    def trouble(self) -> str | None:
        """Why this process cannot serve; None: it can."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked_at >= LOOK_EVERY_S:
                # Where it was well a moment ago reading is enough: after a write all caches look again.
                writes = self._trouble is not None or now - self._beaten_at >= WRITE_EVERY_S
                self._trouble = _look(writes=writes)
                self._looked_at = time.monotonic()
                self._beaten_at = self._looked_at if writes else self._beaten_at
            return self._trouble


def _look(*, writes: bool) -> str | None:
    try:
        if not database_is_current():
            return "The database needs an upgrade: `homeroom db upgrade`."
        read_each_table()
        if writes:
            beat()
    except SQLAlchemyError as error:
        fault = fault_of(error)
        log.exception("not ready", fault=fault)
        return _UNREADY.get(fault, "The database isn't responding.")
    return None


def init_health(app: Flask) -> None:
    """Give the app its memory of how the database is."""
    app.extensions[_PULSE] = _Pulse()


def _last_run(good: Outcome | None, last: Outcome | None) -> dict[str, object] | None:
    """The one that counts, and whether the last one was like it."""
    if good is None or last is None:
        return None
    return {"when": good.at.isoformat(), "ok": last.ok, "age": round(good.age.total_seconds())}


def database_is_current() -> bool:
    """Whether this version can serve from the tables: they are those of its newest migration, or newer.

    A migration that is not known here belongs to a version that is about to take over, or that did not
    serve and was taken back. It may run beside this one only if it is backward compatible.
    """
    with db.engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    known, heads = _revisions(f"{current_app.root_path}/migrations")
    return present == heads or not present <= known


@cache
def _revisions(folder: str) -> tuple[frozenset[str], frozenset[str]]:
    """All migrations of this version, and the newest; their files do not change while it runs."""
    scripts = ScriptDirectory(folder)
    return frozenset(script.revision for script in scripts.walk_revisions()), frozenset(scripts.get_heads())
