"""Who may do what with the people of the directory."""

from sqlalchemy import ColumnElement, true

from homeroom.auth.models import Role, User
from homeroom.auth.permissions import ADMINS, STAFF, HasRole, Principal, is_admin, is_staff

# Whom the guard lets in.
DELETE_BY_UID = ADMINS
GIVE_JOIN_CODES = ADMINS
ADMIT = STAFF


def sees_everybody(viewer: HasRole) -> bool:
    """Whether a viewer sees those who wait for admission, too."""
    return is_staff(viewer)


def sees_only_themselves(viewer: Principal) -> bool:
    """Whether a viewer waits for admission and so sees nobody else."""
    return viewer.pending and not is_staff(viewer)


def visible_users(viewer: Principal) -> ColumnElement[bool]:
    """Whom a viewer may see: the staff everyone, a member the members, a pending account itself."""
    if sees_everybody(viewer):
        return true()
    if sees_only_themselves(viewer):
        return User.id == viewer.id
    return User.pending.is_(False)


def may_see(viewer: Principal, person: Principal) -> bool:
    """Whether a viewer may see a user; `visible_users`, for somebody who has been read already."""
    if sees_everybody(viewer):
        return True
    return viewer.id == person.id if sees_only_themselves(viewer) else not person.pending


def may_see_private(viewer: Principal, user_id: int) -> bool:
    """Whether a viewer may see somebody's date of birth, e-mail and status: one's own, or as an admin."""
    return viewer.id == user_id or may_see_private_of_all(viewer)


def may_see_private_of_all(viewer: HasRole) -> bool:
    """Whether a viewer may see that of everybody."""
    return is_admin(viewer)


def may_create_others(actor: HasRole) -> bool:
    """Whether somebody makes accounts for other people; everybody else signs up themselves."""
    return is_admin(actor)


def may_change(actor: Principal, user_id: int) -> bool:
    """Whether somebody may change or delete a user: themselves, or as an admin."""
    return actor.id == user_id or is_admin(actor)


def may_give_roles(actor: HasRole) -> bool:
    """Whether somebody may say what others, or they themselves, are in the class."""
    return is_admin(actor)


def gives_ids_for_the_roster(actor: HasRole) -> bool:
    """Whether an ID that somebody gives is the roster's, and no guess at who is in the class."""
    return is_admin(actor)


def must_confirm_new_own_id(actor: HasRole) -> bool:
    """Whether changing one's own ID needs a confirmation: without its teacher a class stands still."""
    return is_staff(actor)


def is_last_admin(user: User, admin_ids: set[int]) -> bool:
    """Whether the class would have no admin without this one."""
    return is_admin(user) and admin_ids <= {user.id}


def gives_another_role(user: User, role: str | None) -> bool:
    """Whether a role that was sent is another one than the user has; None was not sent."""
    return role is not None and role != user.role


def loses_admin(user: User, role: Role) -> bool:
    """Whether a user would stop being an admin with a role."""
    return is_admin(user) and role not in ADMINS
