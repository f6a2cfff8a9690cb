"""One's own data, to take along: the export."""

from apiflask import APIBlueprint, FileSchema
from flask import Response, send_file

from homeroom.auth.guard import token_required
from homeroom.auth.models import User
from homeroom.db import db
from homeroom.portfolio.export import export_user
from homeroom.users.services import today

bp = APIBlueprint("own", __name__, url_prefix="/api/id", tag="Users")


@bp.get("/export")
@bp.doc(security="session")
@token_required()
@bp.output(FileSchema(type="string", format="binary"), content_type="application/zip")
def export(user: User) -> Response:
    """All that is one's own, as a zip."""
    day = today()
    response = send_file(
        export_user(db.session(), user, day),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"homeroom-{day.isoformat()}.zip",
    )
    response.headers["Cache-Control"] = "no-store"
    return response
