"""One's own data, to take along: the export."""

import threading
from datetime import timedelta

from apiflask import APIBlueprint, FileSchema
from flask import Flask, Response, current_app, stream_with_context
from werkzeug.exceptions import ServiceUnavailable

from homeroom.auth.guard import token_required
from homeroom.auth.limits import AttemptLimit, count_attempt, refund_attempt
from homeroom.auth.models import User
from homeroom.portfolio.export import export_user
from homeroom.users.services import today

bp = APIBlueprint("own", __name__, url_prefix="/api/id", tag="Users")

# One at a time, whichever worker has it: the count is taken back at the export's end. Where a worker is
# killed meanwhile, its window ends by itself.
EXPORTS = AttemptLimit("export", 1, timedelta(minutes=10), "Your data is being downloaded already.")
# Each holds a thread for as long as its reader takes.
EXPORTS_AT_ONCE = 4
_RETRY_S = 30
_places = threading.BoundedSemaphore(EXPORTS_AT_ONCE)


@bp.get("/export")
@bp.doc(security="session")
@token_required()
@bp.output(FileSchema(type="string", format="binary"), content_type="application/zip")
def export(user: User) -> Response:
    """All that is one's own, as a zip, sent while it is made; one at a time."""
    user_id, day = user.id, today()
    response = Response(mimetype="application/zip")
    response.headers["Content-Disposition"] = f"attachment; filename=homeroom-{day.isoformat()}.zip"
    response.headers["Cache-Control"] = "no-store"
    _begin(user_id)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's documented way
    response.call_on_close(lambda: _end(app, user_id))
    response.response = stream_with_context(export_user(user_id, day))
    return response


def _begin(user_id: int) -> None:
    count_attempt(EXPORTS, str(user_id))
    if not _places.acquire(blocking=False):
        refund_attempt(EXPORTS, str(user_id))
        raise ServiceUnavailable(
            "Several people download their data at the moment; try again shortly.", retry_after=_RETRY_S
        )


def _end(app: Flask, user_id: int) -> None:
    """Called when the answer is sent, or its reader is gone."""
    _places.release()
    with app.app_context():
        refund_attempt(EXPORTS, str(user_id))
