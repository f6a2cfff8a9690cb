"""Who may see, change and hide projects, and who meets whom in the portfolio."""

from typing import NamedTuple

from sqlalchemy import BindParameter, ColumnElement, and_, or_, select, true

from homeroom.auth.models import User
from homeroom.auth.permissions import STAFF, Principal, is_admin, is_staff
from homeroom.portfolio.models import Profile, Project, Visibility

# Whom the guard lets in.
HIDE = STAFF


class Sight(NamedTuple):
    """What of a viewer decides which projects they see, beside their own. There are few of them."""

    is_known: bool
    is_admitted: bool
    is_staff: bool


def sight_of(viewer: Principal | None) -> Sight:
    """How a viewer sees projects; None is a guest."""
    if viewer is None:
        return Sight(is_known=False, is_admitted=False, is_staff=False)
    return Sight(is_known=True, is_admitted=not viewer.pending, is_staff=is_staff(viewer))


def visible_with(sight: Sight, viewer_id: int | BindParameter[int] | None) -> ColumnElement[bool]:
    """Which projects a viewer sees, whose id may be a parameter. The owner's table must be joined.

    Guests see public projects, members the class's as well, the staff also what is hidden. Drafts are
    their owner's alone, and who waits for admission shows nothing yet.
    """
    shown = Project.visibility == Visibility.PUBLIC
    if sight.is_admitted:
        shown = Project.visibility != Visibility.DRAFT
    if not sight.is_staff:
        shown = and_(shown, Project.hidden_at.is_(None))
    shown = and_(shown, User.pending.is_(False))
    return or_(shown, Project.owner_id == viewer_id) if sight.is_known else shown


def visible_projects(viewer: Principal | None) -> ColumnElement[bool]:
    """Which projects a viewer may see; None is a guest. The owner's table must be joined."""
    return visible_with(sight_of(viewer), None if viewer is None else viewer.id)


def found_by_uid(viewer: Principal | None) -> ColumnElement[bool]:
    """Whom a viewer may look for by ID: an author who shows no name is "A student" to guests, without one.

    Otherwise whoever knows, or guesses, an ID learns which works are that child's.
    """
    if viewer is not None and not viewer.pending:
        return true()
    named = (
        select(Profile.user_id).where(Profile.user_id == User.id, Profile.shown_name.is_not(None)).exists()
    )
    return named if viewer is None else or_(named, User.id == viewer.id)


def knows(viewer: Principal | None, person: Principal) -> bool:
    """Whether a viewer is of the class, and so knows its people; who waits for admission is a guest yet."""
    return viewer is not None and (not viewer.pending or viewer.id == person.id)


def may_meet(viewer: Principal, person: Principal) -> bool:
    """Whether a viewer who knows the class may see a person's page; guests see those who show something."""
    return viewer.id == person.id or not person.pending or is_staff(viewer)


def may_make_projects(user: Principal) -> bool:
    """Whether somebody may begin a project: everyone who has been admitted."""
    return not user.pending


def may_edit(project: Project, viewer: Principal | None) -> bool:
    """Whether a viewer may change or delete a project: its owner and admins."""
    return viewer is not None and (viewer.id == project.owner_id or is_admin(viewer))


def may_make_draft(project: Project, actor: Principal) -> bool:
    """Whether somebody may make a project a draft.

    A draft is its author's alone: an admin who made one of somebody's project could not even see it.
    """
    return project.owner.id == actor.id


def may_place_uploads(project: Project, actor: Principal) -> bool:
    """Whether somebody may put unused pictures of the project's owner into it.

    An upload that nothing uses is its owner's alone; an admin who could place it could see it.
    """
    return project.owner.id == actor.id
