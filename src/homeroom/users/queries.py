"""Reading the directory: lists, search, and one user by id or ID."""

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from homeroom.auth.models import User, name_key, uid_key
from homeroom.auth.sessions import find_by_uid
from homeroom.pagination import Order, Page, keyset_page, prefix_of
from homeroom.users.schemas import Sort, UsersQuery

_ORDERS = {
    Sort.NAME: Order(User.name_key, User.id),
    Sort.NAME_DESCENDING: Order(User.name_key, User.id, descending=True),
    Sort.UID: Order(User.uid_key, User.id),
    Sort.UID_DESCENDING: Order(User.uid_key, User.id, descending=True),
    Sort.ID: Order(User.id, User.id),
    Sort.ID_DESCENDING: Order(User.id, User.id, descending=True),
}


def visible_users(viewer: User) -> ColumnElement[bool]:
    """Whom a viewer may see: the staff everyone, a member the members, a pending account itself."""
    if viewer.is_staff:
        return true()
    if viewer.pending:
        return User.id == viewer.id
    return User.pending.is_(False)


def users_page(session: Session, query: UsersQuery, viewer: User) -> tuple[Page[User], int]:
    """A page of the users that a viewer may see, and how many there are on all pages.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    statement = select(User).where(visible_users(viewer))
    if query.q:
        statement = statement.where(_begins_with(query.q))
    page = keyset_page(session, statement, _ORDERS[query.sort], limit=query.limit, cursor=query.cursor)
    return page, _count(session, statement)


def _begins_with(text: str) -> ColumnElement[bool]:
    return or_(
        prefix_of(User.name_key, name_key(text)),
        prefix_of(User.uid_key, uid_key(text)),
    )


def _count(session: Session, statement: Select[User]) -> int:
    counted = statement.with_only_columns(func.count(User.id))
    return session.scalars(counted).one()


def get_user(session: Session, user_id: int, viewer: User) -> User:
    """A user by id.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    return _found(session.scalar(select(User).where(User.id == user_id, visible_users(viewer))))


def get_user_by_uid(session: Session, uid: str, viewer: User) -> User:
    """A user by ID, however it is spelt.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    user = find_by_uid(session, uid)
    return _found(user and session.scalar(select(User).where(User.id == user.id, visible_users(viewer))))


def _found(user: User | None) -> User:
    if user is None:
        raise NotFound("There is no such user.")
    return user
