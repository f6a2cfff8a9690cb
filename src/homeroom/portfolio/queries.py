"""Reading the portfolio: which projects a viewer may see, and what people say of themselves."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload, selectinload

from homeroom.auth.models import User, name_key, uid_key
from homeroom.auth.permissions import Principal
from homeroom.data.errors import NotFound
from homeroom.data.types import Id
from homeroom.portfolio.models import Profile, Project, ProjectPicture, ProjectTag
from homeroom.portfolio.permissions import Sight, found_by_uid, sight_of, visible_projects, visible_with
from homeroom.portfolio.presenters import Author
from homeroom.portfolio.schemas import ProjectSort, ProjectsQuery
from homeroom.uploads.models import Picture, is_avatar
from homeroom.users.presenters import Avatar
from homeroom.web.pagination import Order, Page, bounded_count, keyset_page, prefix_of

# Ids grow with time, so that they sort as the moments do, and without ties.
_ORDERS = {
    ProjectSort.NEWEST: Order(Project.id, Project.id, descending=True, unique=True),
    ProjectSort.OLDEST: Order(Project.id, Project.id, unique=True),
    ProjectSort.TITLE: Order(Project.title_key, Project.id),
}


_AUTHORS = (
    select(User.id, Profile.shown_name, Picture.digest, Picture.type)
    .outerjoin(Profile, Profile.user_id == User.id)
    .outerjoin(Picture, and_(Picture.owner_id == User.id, is_avatar()))
    .where(User.id.in_(bindparam("owners", expanding=True)))
)


_PICTURES = (
    select(Picture)
    .join(ProjectPicture, ProjectPicture.picture_id == Picture.id)
    .where(ProjectPicture.project_id == bindparam("project_id"))
)
_LOCK = select(Project.id).where(Project.id == bindparam("project_id")).with_for_update()


def _projects(viewer: Principal | None) -> Select[Project]:
    return select(Project).join(Project.owner).where(visible_projects(viewer))


_PARTS = (selectinload(Project.tags), selectinload(Project.pictures).joinedload(ProjectPicture.picture))
# A hundred texts with their trees may be megabytes, and lists show none of them.
_LISTED = (*_PARTS, joinedload(Project.owner), defer(Project.body), defer(Project.tree))


def projects_page(
    session: Session, query: ProjectsQuery, viewer: Principal | None
) -> tuple[Page[Project], int | None]:
    """A page of the projects that a viewer may see, and how many there are on all pages, if that is known.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    statement = _projects(viewer).where(*_filters(query, viewer))
    page = keyset_page(
        lambda part: session.scalars(part).all(),
        statement.options(*_LISTED),
        _ORDERS[query.sort],
        limit=query.limit,
        cursor=query.cursor,
    )
    counted = statement.with_only_columns(Project.id)
    return page, bounded_count(lambda part: session.scalars(part).all(), counted)


def _filters(query: ProjectsQuery, viewer: Principal | None) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if query.uid is not None:
        filters.append(and_(User.uid_key == uid_key(query.uid), found_by_uid(viewer)))
    if query.tag is not None:
        tagged = select(ProjectTag.project_id).where(ProjectTag.key == name_key(query.tag))
        filters.append(Project.id.in_(tagged))
    if query.q:
        filters.append(prefix_of(Project.title_key, name_key(query.q)))
    if query.visibility is not None:
        filters.append(Project.visibility == query.visibility)
    if query.hidden is not None:
        filters.append(Project.hidden_at.is_not(None) if query.hidden else Project.hidden_at.is_(None))
    return filters


@cache
def _one_project(sight: Sight, *, whole: bool) -> Select[Project]:
    statement = select(Project).join(Project.owner).options(contains_eager(Project.owner))
    parts = _PARTS if whole else (defer(Project.tree),)
    visible = visible_with(sight, bindparam("viewer_id", type_=Id))
    return statement.options(*parts).where(Project.id == bindparam("project_id"), visible)


def get_project(
    session: Session, project_id: int, viewer: Principal | None, *, whole: bool = True
) -> Project:
    """A project by id, with its owner, and, where it is `whole`, its tags and pictures.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    asked = {"project_id": project_id, "viewer_id": None if viewer is None else viewer.id}
    project = session.scalar(_one_project(sight_of(viewer), whole=whole), asked)
    if project is None:
        raise NotFound("No such project, or you can't see it.")
    return project


def lock_project(session: Session, project_id: int, viewer: Principal, *, whole: bool = True) -> Project:
    """A project by id, that nobody else changes until the transaction ends.

    It is locked first and read then: what is decided on is what was true last. The order of locks is
    users, projects, pictures, each by id.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    session.connection().execute(_LOCK, {"project_id": project_id})
    return get_project(session, project_id, viewer, whole=whole)


def pictures_of(session: Session, project_id: int) -> Sequence[Picture]:
    """The pictures that a project shows."""
    return session.scalars(_PICTURES, {"project_id": project_id}).all()


def get_placed_picture(
    session: Session, project_id: int, picture_id: int, viewer: Principal | None
) -> ProjectPicture:
    """A picture of a project.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    placed = session.scalar(
        select(ProjectPicture)
        .join(Project, Project.id == ProjectPicture.project_id)
        .join(Project.owner)
        .where(
            ProjectPicture.project_id == project_id,
            ProjectPicture.picture_id == picture_id,
            visible_projects(viewer),
        )
        .options(joinedload(ProjectPicture.picture))
    )
    if placed is None:
        raise NotFound("No such picture, or you can't see it.")
    return placed


def authors_of(session: Session, projects: Sequence[Project]) -> dict[int, Author]:
    """The authors of projects, by user id; one statement, however many there are."""
    owners = {project.owner_id for project in projects}
    if not owners:
        return {}
    rows = session.connection().execute(_AUTHORS, {"owners": list(owners)})
    return {
        user_id: Author(shown_name, None if digest is None else Avatar(user_id, digest, kind))
        for user_id, shown_name, digest, kind in rows
    }


def has_public_project(session: Session, user: User) -> bool:
    """Whether guests can meet this person at all, by the ID that the page's address names."""
    public = _projects(None).where(Project.owner_id == user.id, found_by_uid(None))
    statement = public.with_only_columns(Project.id)
    return session.scalars(statement.limit(1)).first() is not None


def get_profile(session: Session, user: User) -> Profile:
    """What somebody says of themselves; who never said anything has an empty one."""
    return session.get(Profile, user.id) or Profile(user_id=user.id, about="", links=[])
