"""What the roster's address takes and gives."""

from typing import Annotated, Any

from apiflask.fields import UploadFile
from flask import request
from pydantic import BeforeValidator, Field, RootModel

from homeroom.roster.parse import MAX_DATE_FORMAT_CHARACTERS
from homeroom.roster.services import ImportReport, Result, RowReport
from homeroom.web.schema import Output, Query, StorableText

MAX_SAME_PEOPLE = 500


def _all_of_them(_last: object) -> list[str]:
    """Each value of a name that a query repeats; APIFlask hands over one of them."""
    return request.args.getlist("same_person")


class RosterQuery(Query):
    """How to read and what to do."""

    dry_run: bool = Field(default=False, description="Report what would be done, and write nothing.")
    date_format: StorableText | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_DATE_FORMAT_CHARACTERS,
        description="How dates are written: `day-first`, `month-first`, or strptime's letters. Without it: "
        "YYYY-MM-DD.",
        examples=["day-first"],
    )
    same_person: Annotated[list[StorableText], BeforeValidator(_all_of_them)] = Field(
        default_factory=list,
        max_length=MAX_SAME_PEOPLE,
        description="An ID that its owner chose, and that belongs to whom the roster means; may be repeated.",
    )


class RosterFile(Output):
    """A form with the roster as its file."""

    file: UploadFile


class ChangeOut(Output):
    """One field before and after."""

    field: str
    old: str | None
    new: str


class RowOut(Output):
    """What became of one line of the file."""

    line: int
    uid: str
    name: str
    result: Result
    message: str
    changes: list[ChangeOut]
    join_code: str | None = Field(description="For those who were created; it works once.")


class PersonCodeOut(Output):
    """A code, and whom to hand it to."""

    name: str
    uid: str
    code: str
    expires_at: str


class CodesOut(RootModel[list[PersonCodeOut]]):
    """The codes of all who have not joined, by name."""


class ReportOut(Output):
    """What became of every line; `written` is false for a dry run."""

    message: str
    written: bool
    created: int
    updated: int
    unchanged: int
    conflict: int
    rejected: int
    notes: list[str] = Field(description="How the file was read, in words.")
    rows: list[RowOut]


def summary(report: ImportReport) -> str:
    """A report in one sentence; conflicts, which are rare, only where there are some."""
    told = [
        f"{count} {result.value}"
        for result, count in report.counts.items()
        if count or result is not Result.CONFLICT
    ]
    return f"{', '.join(told)}."


def show_report(report: ImportReport) -> dict[str, Any]:
    """A report as admins get it: it holds join codes and what fields were before."""
    return {
        "message": summary(report),
        "written": report.written,
        **{result.value: count for result, count in report.counts.items()},
        "notes": list(report.notes),
        "rows": [_show_row(row) for row in report.rows],
    }


def _show_row(row: RowReport) -> dict[str, Any]:
    return {
        "line": row.line,
        "uid": row.uid,
        "name": row.name,
        "result": row.result.value,
        "message": row.message,
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in row.changes],
        "join_code": row.join_code,
    }
