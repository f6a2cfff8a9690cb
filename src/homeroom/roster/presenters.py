"""What the roster's address gives."""

from typing import Any, Literal

from pydantic import Field, RootModel

from homeroom.roster.invitations import Invitation
from homeroom.roster.services import ImportReport, Result, RowReport
from homeroom.translations.messages import Message, joined, message
from homeroom.web.languages import translated
from homeroom.web.schema import Output


class ChangeOut(Output):
    """One field before and after."""

    field: Literal["name", "email", "dob"]
    old: str | None
    new: str


class RowOut(Output):
    """The result for one line of the file."""

    line: int
    uid: str
    name: str
    result: Result
    message: str
    changes: list[ChangeOut]
    join_code: str | None = Field(description="For new users only; it works once.")


class PersonCodeOut(Output):
    """A join code and the person it is for."""

    name: str
    uid: str
    code: str
    expires_at: str


class CodesOut(RootModel[list[PersonCodeOut]]):
    """The codes of everyone who hasn't joined, by name."""


class ReportOut(Output):
    """The result for every line; `written` is false for a dry run."""

    message: str
    written: bool
    created: int
    updated: int
    unchanged: int
    conflict: int
    rejected: int
    notes: list[str] = Field(description="How the file was read, in words.")
    rows: list[RowOut]


# The staff page's words. The API's own names of results stay as clients know them.
WORDS = {
    Result.CREATED: "new",
    Result.UPDATED: "changed",
    Result.UNCHANGED: "unchanged",
    Result.CONFLICT: "to decide",
    Result.REJECTED: "rejected",
}
_COUNTED = {
    Result.CREATED: message("{count:,} new"),
    Result.UPDATED: message("{count:,} changed"),
    Result.UNCHANGED: message("{count:,} unchanged"),
    Result.CONFLICT: message("{count:,} to decide"),
    Result.REJECTED: message("{count:,} rejected"),
}


def summary(report: ImportReport) -> Message:
    """A report in one sentence; what someone has to decide, which is rare, only where there is some."""
    told = [
        _COUNTED[result].filled(count=count)
        for result, count in report.counts.items()
        if count or result is not Result.CONFLICT
    ]
    counts = joined(told, ", ")
    if report.written:
        return message("{counts}.", counts=counts)
    return message("Would be: {counts}.", counts=counts)


def show_report(report: ImportReport) -> dict[str, Any]:
    """A report as admins get it: it holds join codes and what fields were before."""
    return {
        "message": translated(summary(report)),
        "written": report.written,
        **{result.value: count for result, count in report.counts.items()},
        "notes": [translated(note) for note in report.notes],
        "rows": [_show_row(row) for row in report.rows],
    }


def _show_row(row: RowReport) -> dict[str, Any]:
    return {
        "line": row.line,
        "uid": row.uid,
        "name": row.name,
        "result": row.result.value,
        "message": translated(row.message),
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in row.changes],
        "join_code": row.join_code,
    }


def show_invitation(one: Invitation) -> dict[str, str]:
    """A join code and the person it is for."""
    return {"name": one.name, "uid": one.uid, "code": one.code, "expires_at": one.expires_at.isoformat()}
