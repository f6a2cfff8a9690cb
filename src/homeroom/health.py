"""Health: whether the process lives, and whether it can serve."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from apiflask import APIBlueprint
from flask import Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from homeroom.db import db
from homeroom.problems import problem_response
from homeroom.schema import Output

bp = APIBlueprint("health", __name__, url_prefix="/api/health", tag="Health")


class Health(Output):
    """The state of the process or of what it needs."""

    status: str


@bp.get("/live")
@bp.output(Health)
def live() -> Response:
    """The process answers."""
    return _ok()


@bp.get("/ready")
@bp.doc(responses={503: "The database does not answer, or its tables are not up to date."})
@bp.output(Health)
def ready() -> Response:
    """The database answers and its tables are those that this version needs."""
    try:
        current = database_is_current()
    except SQLAlchemyError:
        return problem_response(503, "The database does not answer.")
    if not current:
        return problem_response(503, "The database's tables are not up to date: run `homeroom db upgrade`.")
    return _ok()


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


def _ok() -> Response:
    response = jsonify(status="ok")
    response.headers["Cache-Control"] = "no-store"
    return response
