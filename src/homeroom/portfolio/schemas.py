"""What the portfolio takes."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from homeroom.portfolio.links import MAX_ADDRESS_LENGTH, check_address
from homeroom.portfolio.models import Visibility
from homeroom.translations.messages import message
from homeroom.users.fields import clean_line, clean_name
from homeroom.web.pagination import CURSOR, LIMIT, MAX_ID
from homeroom.web.schema import Body, Query, Sent, StorableText

MAX_TITLE_LENGTH = 120
MAX_SUMMARY_LENGTH = 300
MAX_BODY_LENGTH = 20_000
MAX_TAG_LENGTH = 40
MAX_LABEL_LENGTH = 80
MAX_TAGS = 12
MAX_LINKS = 12
MAX_PICTURES = 24
MAX_ABOUT_LENGTH = 2_000
MAX_PROJECTS_PER_PAGE = 100

Title = Annotated[
    StorableText,
    AfterValidator(
        partial(
            clean_line,
            if_empty=message("This can't be empty."),
            if_long=message("A title can have at most {max_length} characters."),
            max_length=MAX_TITLE_LENGTH,
        )
    ),
    Field(min_length=1, examples=["A weather station"]),
]
Tag = Annotated[
    StorableText,
    AfterValidator(
        partial(
            clean_line,
            if_empty=message("A tag can't be empty."),
            if_long=message("A tag can have at most {max_length} characters."),
            max_length=MAX_TAG_LENGTH,
        )
    ),
    Field(min_length=1, examples=["sensors"]),
]
Label = Annotated[
    StorableText,
    AfterValidator(
        partial(
            clean_line,
            if_empty=message("A label can't be empty."),
            if_long=message("A label can have at most {max_length} characters."),
            max_length=MAX_LABEL_LENGTH,
        )
    ),
    Field(min_length=1, examples=["Source"]),
]
VisibilityWord = Literal["draft", "class", "public"]


class LinkIn(Body):
    """A link and its label."""

    label: Label
    url: Annotated[
        StorableText, Field(min_length=1, max_length=MAX_ADDRESS_LENGTH), AfterValidator(check_address)
    ]


class PictureIn(Body):
    """An uploaded picture and its description."""

    id: int = Field(ge=1, le=MAX_ID)
    alt: Annotated[StorableText, Field(max_length=300)] = ""


class ProjectChanges(Body):
    """Fields of a project to change. Omitted fields stay the same."""

    title: Sent[Title] = None
    summary: Annotated[StorableText, Field(max_length=MAX_SUMMARY_LENGTH)] = ""
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] = Field(
        default="", description="Markdown."
    )
    visibility: VisibilityWord = "draft"
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] = Field(default_factory=list)
    links: Annotated[list[LinkIn], Field(max_length=MAX_LINKS)] = Field(default_factory=list)
    pictures: Annotated[list[PictureIn], Field(max_length=MAX_PICTURES)] = Field(
        default_factory=list, description="In display order."
    )


class NewProject(ProjectChanges):
    """A new project. Omitted fields are empty, and `visibility` is `draft`."""

    title: Title


class Draft(Body):
    """A draft text."""

    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH, description="Markdown.")]


class Reason(Body):
    """Why a project is hidden. Its owner can read it."""

    reason: Annotated[StorableText, Field(min_length=1, max_length=500)]


# Minors are not named to the public before they chose how.
NAMELESS = message("A student")


class ProfileChanges(Body):
    """Changes to a profile. Omitted fields stay the same."""

    about: Annotated[StorableText, Field(max_length=MAX_ABOUT_LENGTH)] = ""
    links: Annotated[list[LinkIn], Field(max_length=MAX_LINKS)] = Field(default_factory=list)
    shown_name: Annotated[StorableText, AfterValidator(clean_name)] | None = Field(
        default=None, description=f"The author's name as the public sees it; null for “{NAMELESS}”."
    )


class ProjectSort(StrEnum):
    """What a list of projects may be sorted by."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    TITLE = "title"


class ProjectsQuery(Query):
    """A search for projects, its order, and its page."""

    limit: int = Field(default=24, ge=1, le=MAX_PROJECTS_PER_PAGE, description=LIMIT)
    cursor: Annotated[StorableText, Field(max_length=2000)] | None = Field(default=None, description=CURSOR)
    sort: ProjectSort = Field(default=ProjectSort.NEWEST, description="`-` for descending order.")
    uid: Annotated[StorableText, Field(max_length=100)] | None = Field(
        default=None, description="Projects of this person."
    )
    tag: Annotated[StorableText, Field(max_length=100)] | None = Field(
        default=None, description="Projects with this tag."
    )
    q: StorableText = Field(default="", max_length=200, description="Beginning of the title.")
    visibility: Visibility | None = Field(default=None, description="Projects with this visibility.")
    hidden: bool | None = Field(default=None, description="Only hidden projects: your own, or for staff all.")
