"""`POST /api/roster`: the class list by API, for admins."""

from typing import Any

from flask import request
from pydantic import BaseModel

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.guard import token_required
from homeroom.auth.viewer import Viewer
from homeroom.data.database import db
from homeroom.data.errors import Conflict, InvalidFields, RejectedField, WrongType, reject_field
from homeroom.roster.invitations import invitations_at_hand, make_invitations
from homeroom.roster.parse import RosterError
from homeroom.roster.permissions import IMPORT, READ_CODES
from homeroom.roster.presenters import CodesOut, ReportOut, show_invitation, show_report
from homeroom.roster.schemas import RosterFile, RosterQuery
from homeroom.roster.services import (
    ImportConflictError,
    ImportReport,
    import_roster,
)
from homeroom.roster.text import MAX_BYTES
from homeroom.translations.messages import joined, message
from homeroom.web.answers import Blueprint
from homeroom.web.schema import reads_body

bp = Blueprint("roster", __name__, url_prefix="/api", tag="Roster")

# What clients call a CSV file; Windows takes it for Excel's.
FILE_TYPES = frozenset(
    {
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "application/csv",
        "application/vnd.ms-excel",
        "application/octet-stream",
    }
)
# For the OpenAPI document: the form, and the type to send the file itself with.
ROSTER_BODY: dict[str, type[BaseModel] | None] = {"multipart/form-data": RosterFile, "text/csv": None}
# A file of the wrong kind has as many wrong rows as lines; a page shows the first ones.
MAX_ROWS_NAMED = 100


@bp.post("/roster/")
@bp.doc(operation_id="import_roster")
@token_required(IMPORT)
@bp.input(RosterQuery, location="query")
@bp.output(ReportOut, description="The result for each line, with a join code for each new user.")
@reads_body(ROSTER_BODY)
def post_roster(_admin: Viewer, query_data: RosterQuery) -> dict[str, Any]:
    """Import a class list: the CSV file itself as `text/csv`, or as `file` of a form.

    All rows are imported, or none: `errors` names each rejected row by its line in the file. A dry run
    reports such rows in its answer.
    """
    require_confirmation()
    try:
        report = import_roster(
            _file(),
            date_format=query_data.date_format,
            dry_run=query_data.dry_run,
            same_people=query_data.same_person,
        )
    except RosterError as error:
        raise InvalidFields([], error.message) from None
    except ImportConflictError as error:
        raise Conflict(error.message) from None
    if report.rejected and not query_data.dry_run:
        raise _rejection(report)
    return show_report(report)


@bp.get("/roster/codes")
@bp.doc(operation_id="list_join_codes")
@token_required(READ_CODES)
@bp.output(CodesOut)
def list_codes(_admin: Viewer) -> list[dict[str, str]]:
    """List the valid join codes of people who haven't joined. To create missing ones, use `POST`."""
    require_confirmation()
    return [show_invitation(one) for one in invitations_at_hand(db.session())]


@bp.post("/roster/codes")
@bp.doc(operation_id="make_join_codes")
@token_required(READ_CODES)
@bp.output(CodesOut)
def make_codes(_admin: Viewer) -> list[dict[str, str]]:
    """List the join codes of everyone who hasn't joined, creating those that are missing or expired."""
    require_confirmation()
    return [show_invitation(one) for one in make_invitations()]


def _file() -> bytes:
    """The file, wherever it stands in the request; one byte too many is enough to refuse it.

    Raises:
        WrongType: the body is neither a CSV file nor a form (415).
        InvalidFields: the form has no file (422).
    """
    if request.mimetype == "multipart/form-data":
        if "file" not in request.files:
            reject_field("#/file", "The form needs a file named “file”.")
        return request.files["file"].stream.read(MAX_BYTES + 1)
    if request.mimetype not in FILE_TYPES:
        raise WrongType("Send the file with Content-Type: text/csv, or a form that has it as “file”.")
    return request.stream.read(MAX_BYTES + 1)


def _rejection(report: ImportReport) -> InvalidFields:
    fields = [
        RejectedField(
            f"#/rows/{row.line}", message("Line {line}: {reason}", line=row.line, reason=row.message)
        )
        for row in report.rejected
    ]
    what = message(
        "{rejected:,} of {all:,} rows were rejected, so nothing was imported.",
        rejected=len(fields),
        all=len(report.rows),
    )
    if len(fields) > MAX_ROWS_NAMED:
        what = joined([what, message("The first {count} are listed.", count=MAX_ROWS_NAMED)])
    return InvalidFields(fields[:MAX_ROWS_NAMED], what)
