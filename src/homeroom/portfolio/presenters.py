"""What the portfolio gives, as a viewer may see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, RootModel

from homeroom.auth.models import User
from homeroom.auth.permissions import Principal
from homeroom.auth.viewer import Viewer
from homeroom.portfolio.models import Profile, Project, ProjectPicture, Visibility
from homeroom.portfolio.permissions import knows, may_edit
from homeroom.portfolio.schemas import NAMELESS
from homeroom.uploads.presenters import RenditionUrls, show_rendition
from homeroom.uploads.renditions import Rendition
from homeroom.users.presenters import Avatar, show_avatar
from homeroom.web.languages import translated
from homeroom.web.schema import Output


@dataclass(frozen=True)
class Author:
    """What an author shows beside the account: the name for the public, and the avatar."""

    shown_name: str | None
    avatar: Avatar | None


SHOWN_RENDITIONS = (Rendition.CARD, Rendition.PAGE)


class AuthorOut(Output):
    """The author. Guests get only the shown name."""

    name: str
    uid: str | None = None
    id: int | None = None
    picture: RenditionUrls | None = Field(default=None, description="Addresses of the avatar.")


class HiddenOut(Output):
    """Why and since when a project is hidden."""

    reason: str
    at: str


class LinkOut(Output):
    """A link and its label."""

    label: str
    url: str


class ProjectPictureUrls(Output):
    """Addresses by rendition: at most 480 wide, at most 1600 wide."""

    card: RenditionUrls
    page: RenditionUrls


class ProjectPictureOut(Output):
    """A project's picture with the addresses of its renditions."""

    id: int
    alt: str
    width: int
    height: int
    urls: ProjectPictureUrls


class LinkAttributesOut(Output):
    """The attributes of a link in a text."""

    href: str


class ElementOut(Output):
    """An element of a text, so that pages needn't parse HTML."""

    tag: str = Field(description="One of a fixed list of HTML tags.")
    children: list["str | ElementOut"]
    attrs: LinkAttributesOut | None = Field(default=None, description="For links only.")


class ProjectOut(Output):
    """A project; lists leave out `body` and `content`."""

    id: int
    title: str
    summary: str
    body: str | None = None
    content: list[str | ElementOut] | None = Field(
        default=None, description="The body as a tree; text is a string."
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
    """A person's portfolio page. Guests get only name, about and links."""

    name: str
    about: str
    links: list[LinkOut]
    uid: str | None = None
    id: int | None = None
    shown_name: str | None = None
    access: list[Literal["rw", "ro"]]


def show_author(owner: User, viewer: Principal | None, author: Author) -> dict[str, Any]:
    """Who made a project, for a viewer; a guest gets the name that they chose to show, and no picture."""
    if not knows(viewer, owner):
        return {"name": author.shown_name or translated(NAMELESS)}
    return {"name": owner.name, "uid": owner.uid, "id": owner.id, "picture": show_avatar(author.avatar)}


def show_project(project: Project, viewer: Principal | None, author: dict[str, Any]) -> dict[str, Any]:
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


def show_profile(user: User | Viewer, profile: Profile, viewer: Principal | None) -> dict[str, Any]:
    """A portfolio's page as a viewer may see it; None is a guest."""
    said = {"about": profile.about, "links": profile.links}
    if viewer is None or not knows(viewer, user):
        return {"name": profile.shown_name or translated(NAMELESS), **said, "access": ["ro"]}
    own = viewer.id == user.id
    known = {"name": user.name, "uid": user.uid, "id": user.id, "access": ["rw" if own else "ro"]}
    return known | said | ({"shown_name": profile.shown_name} if own else {})


def _show_picture(placed: ProjectPicture) -> dict[str, Any]:
    picture = placed.picture
    base = f"/api/projects/{placed.project_id}/pictures/{picture.id}"
    urls = {
        rendition.value: show_rendition(base, rendition, picture.suffix) for rendition in SHOWN_RENDITIONS
    }
    return {
        "id": picture.id,
        "alt": placed.alt,
        "width": picture.width,
        "height": picture.height,
        "urls": urls,
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
