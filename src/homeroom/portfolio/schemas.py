"""What the portfolio takes and gives."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, RootModel

from homeroom.auth.models import User
from homeroom.portfolio.links import MAX_ADDRESS_LENGTH, check_address
from homeroom.portfolio.models import Profile, Project, ProjectPicture, Visibility
from homeroom.portfolio.permissions import knows, may_edit
from homeroom.uploads.models import Picture
from homeroom.uploads.schemas import RenditionUrls
from homeroom.users.fields import clean_line, clean_name
from homeroom.users.schemas import Avatar, show_avatar
from homeroom.web.pagination import CURSOR, LIMIT, MAX_ID
from homeroom.web.schema import Body, Output, Query, Sent, StorableText

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
SHOWN_RENDITIONS = ("card", "page")

Title = Annotated[
    StorableText,
    AfterValidator(partial(clean_line, what="A title", max_length=MAX_TITLE_LENGTH)),
    Field(min_length=1, examples=["A weather station"]),
]
Tag = Annotated[
    StorableText,
    AfterValidator(partial(clean_line, what="A tag", max_length=MAX_TAG_LENGTH)),
    Field(min_length=1, examples=["sensors"]),
]
Label = Annotated[
    StorableText,
    AfterValidator(partial(clean_line, what="A label", max_length=MAX_LABEL_LENGTH)),
    Field(min_length=1, examples=["Source"]),
]
VisibilityWord = Literal["draft", "class", "public"]


class LinkIn(Body):
    """A link with its words."""

    label: Label
    url: Annotated[
        StorableText, Field(min_length=1, max_length=MAX_ADDRESS_LENGTH), AfterValidator(check_address)
    ]


class PictureIn(Body):
    """An uploaded picture, and what it shows in words."""

    id: int = Field(ge=1, le=MAX_ID)
    alt: Annotated[StorableText, Field(max_length=300)] = ""


class ProjectChanges(Body):
    """Fields of a project; one that is not sent stays."""

    title: Sent[Title] = None
    summary: Annotated[StorableText, Field(max_length=MAX_SUMMARY_LENGTH)] = ""
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] = Field(
        default="", description="Markdown."
    )
    visibility: VisibilityWord = "draft"
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] = Field(default_factory=list)
    links: Annotated[list[LinkIn], Field(max_length=MAX_LINKS)] = Field(default_factory=list)
    pictures: Annotated[list[PictureIn], Field(max_length=MAX_PICTURES)] = Field(
        default_factory=list, description="In the order in which they are shown."
    )


class NewProject(ProjectChanges):
    """A project to be made. What isn't sent is empty, and `visibility` is `draft`."""

    title: Title


class Draft(Body):
    """A text that is being written."""

    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH, description="Markdown.")]


class Reason(Body):
    """Why a project is hidden; its owner reads it."""

    reason: Annotated[StorableText, Field(min_length=1, max_length=500)]


# Minors are not named to the public before they chose how.
NAMELESS = "A student"


class ProfileChanges(Body):
    """What somebody says of themselves; a field that is not sent stays."""

    about: Annotated[StorableText, Field(max_length=MAX_ABOUT_LENGTH)] = ""
    links: Annotated[list[LinkIn], Field(max_length=MAX_LINKS)] = Field(default_factory=list)
    shown_name: Annotated[StorableText, AfterValidator(clean_name)] | None = Field(
        default=None, description=f"How the public sees the author; without one it reads “{NAMELESS}”."
    )


class ProjectSort(StrEnum):
    """What a list of projects may be sorted by."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    TITLE = "title"


class ProjectsQuery(Query):
    """Which projects, in which order, from where."""

    limit: int = Field(default=24, ge=1, le=MAX_PROJECTS_PER_PAGE, description=LIMIT)
    cursor: Annotated[StorableText, Field(max_length=2000)] | None = Field(default=None, description=CURSOR)
    sort: ProjectSort = Field(default=ProjectSort.NEWEST, description="`-`: in descending order.")
    uid: Annotated[StorableText, Field(max_length=100)] | None = Field(
        default=None, description="Projects of this person."
    )
    tag: Annotated[StorableText, Field(max_length=100)] | None = Field(
        default=None, description="Projects with this tag."
    )
    q: StorableText = Field(default="", max_length=200, description="Beginning of the title.")
    visibility: Visibility | None = Field(default=None, description="Projects that these people may see.")
    hidden: bool | None = Field(default=None, description="Hidden ones only (own, or all for the staff).")


class AuthorOut(Output):
    """Who made it; guests get the shown name only."""

    name: str
    uid: str | None = None
    id: int | None = None
    picture: RenditionUrls | None = Field(default=None, description="Addresses of the avatar.")


class HiddenOut(Output):
    """Why and since when the staff keeps a project hidden."""

    reason: str
    at: str


class LinkOut(Output):
    """A link with its words."""

    label: str
    url: str


class ProjectPictureUrls(Output):
    """Addresses by rendition: at most 480 wide, at most 1600 wide."""

    card: RenditionUrls
    page: RenditionUrls


class ProjectPictureOut(Output):
    """A picture of a project, with the addresses of its renditions."""

    id: int
    alt: str
    width: int
    height: int
    urls: ProjectPictureUrls


class LinkAttributesOut(Output):
    """The attributes of a link in a text."""

    href: str


class ElementOut(Output):
    """An element of a text, to be built without parsing HTML."""

    tag: str = Field(description="One of a fixed list, as HTML has them.")
    children: list["str | ElementOut"]
    attrs: LinkAttributesOut | None = Field(default=None, description="Of links alone.")


class ProjectOut(Output):
    """A project; `body` and `content` are left out in lists."""

    id: int
    title: str
    summary: str
    body: str | None = None
    content: list[str | ElementOut] | None = Field(
        default=None, description="The body as a tree; what is text is a string."
    )
    visibility: Visibility
    tags: list[str]
    links: list[LinkOut]
    pictures: list[ProjectPictureOut]
    author: AuthorOut
    access: list[Literal["rw", "ro"]]
    hidden: HiddenOut | None
    created_at: str
    updated_at: str


class PreviewOut(Output):
    """A text as a project's page would show it."""

    content: list[str | ElementOut] = Field(description="A tree, as `content` of a project.")


class ProjectsOut(RootModel[list[ProjectOut]]):
    """Projects, as an array."""


class ProfileOut(Output):
    """Somebody's portfolio page; guests get name, about and links only."""

    name: str
    about: str
    links: list[LinkOut]
    uid: str | None = None
    id: int | None = None
    shown_name: str | None = None
    access: list[Literal["rw", "ro"]]


def show_author(
    owner: User, viewer: User | None, *, shown_name: str | None, avatar: Picture | None
) -> dict[str, Any]:
    """Who made a project, for a viewer; a guest gets the name that they chose to show, and no picture."""
    if not knows(viewer, owner):
        return {"name": shown_name or NAMELESS}
    return {"name": owner.name, "uid": owner.uid, "id": owner.id, "picture": show_avatar(Avatar.of(avatar))}


def show_project(project: Project, viewer: User | None, author: dict[str, Any]) -> dict[str, Any]:
    """A project as it stands in a list, for a viewer; None is a guest."""
    hidden = None
    if project.hidden_at is not None:
        hidden = {"reason": project.hidden_reason, "at": _moment(project.hidden_at)}
    return {
        "id": project.id,
        "title": project.title,
        "summary": project.summary,
        "visibility": project.visibility.value,
        "tags": [tag.tag for tag in project.tags],
        "links": project.links,
        "pictures": [_show_picture(placed) for placed in project.pictures],
        "author": author,
        "access": ["rw" if may_edit(project, viewer) else "ro"],
        "hidden": hidden,
        "created_at": _moment(project.created_at),
        "updated_at": _moment(project.updated_at),
    }


def show_profile(user: User, profile: Profile, viewer: User | None) -> dict[str, Any]:
    """A portfolio's page as a viewer may see it; None is a guest."""
    said = {"about": profile.about, "links": profile.links}
    if viewer is None or not knows(viewer, user):
        return {"name": profile.shown_name or NAMELESS, **said, "access": ["ro"]}
    own = viewer.id == user.id
    known = {"name": user.name, "uid": user.uid, "id": user.id, "access": ["rw" if own else "ro"]}
    return known | said | ({"shown_name": profile.shown_name} if own else {})


def _show_picture(placed: ProjectPicture) -> dict[str, Any]:
    picture = placed.picture
    base = f"/api/projects/{placed.project_id}/pictures/{picture.id}"
    urls = {
        rendition: {"webp": f"{base}/{rendition}.webp", "original": f"{base}/{rendition}.{picture.suffix}"}
        for rendition in SHOWN_RENDITIONS
    }
    return {
        "id": picture.id,
        "alt": placed.alt,
        "width": picture.width,
        "height": picture.height,
        "urls": urls,
    }


def _moment(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds"))
