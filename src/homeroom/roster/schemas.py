"""What the roster's address takes."""

from typing import Annotated

from apiflask.fields import UploadFile
from flask import request
from pydantic import BaseModel, BeforeValidator, Field

from homeroom.roster.parse import MAX_DATE_FORMAT_CHARACTERS
from homeroom.web.schema import Query, StorableText

MAX_SAME_PEOPLE = 500


def _all_of_them(_last: object) -> list[str]:
    """Each value of a name that a query repeats; APIFlask hands over one of them."""
    return request.args.getlist("same_person")


class RosterQuery(Query):
    """How to read the file, and what to do."""

    dry_run: bool = Field(default=False, description="Report what would happen without saving anything.")
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
        description="An ID that its owner chose and that belongs to the person in the roster. Repeatable.",
    )


class RosterFile(BaseModel):
    """A form with the roster as its file."""

    file: UploadFile
