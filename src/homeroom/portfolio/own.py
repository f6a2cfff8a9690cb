"""One's own data, to take along: the export."""

import threading

from apiflask.schemas import FileSchema
from flask import Response, stream_with_context

from homeroom.auth.guard import token_required
from homeroom.auth.viewer import Viewer
from homeroom.config import today
from homeroom.data.errors import TooMany, Unavailable
from homeroom.portfolio.export import export_user
from homeroom.web.answers import Blueprint

bp = Blueprint("own", __name__, url_prefix="/api/id", tag="Users")

# One of a person at a time in a worker, and a few in all: each holds a thread for as long as its reader
# takes. It is counted in memory, because reading writes nothing; it takes neither disk nor connection.
EXPORTS_AT_ONCE = 4
_RETRY_S = 30
_lock = threading.Lock()
_running: set[int] = set()


@bp.get("/export")
@bp.doc(operation_id="export_own_data")
@token_required()
@bp.output(FileSchema(type="string", format="binary"), content_type="application/zip")
def export(user: Viewer) -> Response:
    """Download your data as a zip file, one download at a time.

    Raises:
        TooMany: one's own runs already (429).
        Unavailable: several others' do (503).
    """
    day = today()
    response = Response(mimetype="application/zip")
    response.headers["Content-Disposition"] = f"attachment; filename=homeroom-{day.isoformat()}.zip"
    response.headers["Cache-Control"] = "no-store"
    _begin(user.id)
    response.call_on_close(lambda: _end(user.id))
    response.response = stream_with_context(export_user(user.id, day))
    return response


def _begin(user_id: int) -> None:
    with _lock:
        if user_id in _running:
            raise TooMany("Your data is already being downloaded.", retry_after_s=_RETRY_S)
        if len(_running) >= EXPORTS_AT_ONCE:
            raise Unavailable(
                "Several people are downloading their data. Try again in a few seconds.",
                retry_after_s=_RETRY_S,
            )
        _running.add(user_id)


def _end(user_id: int) -> None:
    """Called when the answer is sent, or its reader is gone."""
    with _lock:
        _running.discard(user_id)
