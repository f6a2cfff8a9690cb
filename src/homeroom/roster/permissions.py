"""Who may handle the class list, and whom it makes codes for."""

from sqlalchemy import ColumnElement, and_, not_

from homeroom.auth.models import User
from homeroom.auth.permissions import ADMINS, HasRole, is_staff, staff

# Whom the guard lets in.
IMPORT = ADMINS
READ_CODES = ADMINS


def gets_a_slip() -> ColumnElement[bool]:
    """Whose code is printed on the sheet: students who have not joined.

    The staff's are left out: a sheet that lies on a desk must not make anyone an admin.
    """
    return and_(User.password_hash.is_(None), User.pending.is_(False), not_(staff()))


def staff_without_password() -> ColumnElement[bool]:
    """Teachers and admins who have not joined; they get a link instead of a slip."""
    return and_(User.password_hash.is_(None), staff())


def keeps_role(user: HasRole) -> bool:
    """Whether the roster's person has a role that an import does not touch and that people should hear of."""
    return is_staff(user)


def is_worth_more_guesses(user: HasRole) -> bool:
    """Whether somebody's password is worth more guesses to an attacker, and so to the check."""
    return is_staff(user)
