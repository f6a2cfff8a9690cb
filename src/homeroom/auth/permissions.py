"""What a role is: the only place that compares one with another, beside the features' `permissions.py`.

A rule that the database decides stands beside the rule that it mirrors.
"""

from collections.abc import Collection
from typing import Protocol

from sqlalchemy import ColumnElement

from homeroom.auth.models import Role, User

# For `token_required`: whom a view lets in by role alone.
ADMINS = (Role.ADMIN,)
STAFF = (Role.TEACHER, Role.ADMIN)


class HasRole(Protocol):
    """A user, or a row that will become one."""

    @property
    def role(self) -> Role: ...


class Principal(HasRole, Protocol):
    """Somebody whose rights are asked about: the `Viewer` of a request, or a `User`."""

    @property
    def id(self) -> int: ...
    @property
    def pending(self) -> bool: ...


def has_role(user: HasRole, roles: Collection[Role]) -> bool:
    """Whether a user's role is among some; it is compared whole."""
    return user.role in roles


def is_admin(user: HasRole) -> bool:
    """Whether a user may do everything."""
    return user.role is Role.ADMIN


def is_teacher(user: HasRole) -> bool:
    """Whether a user is a teacher and no admin."""
    return user.role is Role.TEACHER


def is_staff(user: HasRole) -> bool:
    """Whether a user is a teacher or an admin."""
    return has_role(user, STAFF)


def admins() -> ColumnElement[bool]:
    """`is_admin`, for the database."""
    return User.role == Role.ADMIN


def staff() -> ColumnElement[bool]:
    """`is_staff`, for the database."""
    return User.role.in_(STAFF)
