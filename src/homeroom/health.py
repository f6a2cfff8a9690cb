"""Health: whether the process lives, and whether it can serve."""

from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

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


class Ready(Health):
    """It can serve, and how it is asked."""

    seen: Seen


@bp.get("/live")
@bp.output(Health)
def live() -> Response:
    """The process answers."""
    return _ok()


@bp.get("/ready")
@bp.doc(responses={503: "The database does not answer, or its tables are not up to date."})
@bp.output(Ready)
def ready() -> Response:
    """The database answers and its tables are those that this version needs."""
    try:
        current = database_is_current()
    except SQLAlchemyError:
        return problem_response(503, "The database does not answer.")
    if not current:
        return problem_response(503, "The database's tables are not up to date: run `homeroom db upgrade`.")
    return _ok(seen={"scheme": request.scheme, "host": request.host})


def database_is_current() -> bool:
    """Whether the tables are those of the newest migration that this version knows."""
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    expected = ScriptDirectory(f"{current_app.root_path}/migrations").get_heads()
    return set(present) == set(expected)


def _ok(**more: Any) -> Response:
    response = jsonify(status="ok", **more)
    response.headers["Cache-Control"] = "no-store"
    return response
