"""Health: whether the process lives, and whether it can serve."""

from datetime import datetime

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from homeroom.backup.state import Outcome, backup_state
from homeroom.config import current_config
from homeroom.db import db
from homeroom.problems import problem_response
from homeroom.schema import Output

bp = APIBlueprint("health", __name__, url_prefix="/api/health", tag="Health")


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
@bp.output(Health)
def live() -> Response:
    """The process answers."""
    return _ok()


@bp.get("/ready")
@bp.doc(responses={503: "The database does not answer, or its tables are not up to date."})
@bp.output(Readiness)
def ready() -> Response:
    """The database answers and its tables are those that this version needs."""
    try:
        current = database_is_current()
    except SQLAlchemyError:
        return problem_response(503, "The database does not answer.")
    if not current:
        return problem_response(503, "The database's tables are not up to date: run `homeroom db upgrade`.")
    state = backup_state(current_config())
    return _ok(
        backup=_last_run(state.good_backup, state.backup),
        drill=_last_run(state.drill, state.drill),
        seen={"scheme": request.scheme, "host": request.host},
    )


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
    scripts = ScriptDirectory(f"{current_app.root_path}/migrations")
    known = {script.revision for script in scripts.walk_revisions()}
    return present == set(scripts.get_heads()) or not present <= known


def _ok(**more: object) -> Response:
    response = jsonify(status="ok", **more)
    response.headers["Cache-Control"] = "no-store"
    return response
