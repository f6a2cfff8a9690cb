"""Reading the directory: lists, search, and one user by id or ID."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from homeroom.auth.models import Directory, Role, Status, User, status_of
from homeroom.auth.permissions import Principal
from homeroom.auth.sessions import find_by_uid
from homeroom.data.errors import NotFound
from homeroom.uploads.models import Picture, is_avatar
from homeroom.users.permissions import may_see, sees_everybody, sees_only_themselves, visible_users
from homeroom.users.presenters import Avatar
from homeroom.users.schemas import Sort, UsersQuery
from homeroom.users.search import Search, search_people
from homeroom.web.pagination import (
    AnySelect,
    Order,
    Page,
    bounded_count,
    chained_page,
    keyset_page,
)

Found = TypeVar("Found")

_ORDERS = {
    Sort.NAME: Order(User.name_key, User.id),
    Sort.NAME_DESCENDING: Order(User.name_key, User.id, descending=True),
    Sort.UID: Order(User.uid_key, User.id, unique=True),
    Sort.UID_DESCENDING: Order(User.uid_key, User.id, descending=True, unique=True),
    Sort.ID: Order(User.id, User.id, unique=True),
    Sort.ID_DESCENDING: Order(User.id, User.id, descending=True, unique=True),
}


class ListedUser(NamedTuple):
    """A row of a list: what is shown, and the keys that a page is continued by. No ORM, it is asked often."""

    id: int
    uid: str
    uid_key: str
    name: str
    name_key: str
    email: str | None
    dob: date | None
    role: Role
    created_at: datetime
    status: Status
    avatar: Avatar | None
    # The name from the word on that a search found, and whose word it is.
    name_from: str | None = None
    user_id: int | None = None


_LISTED: AnySelect = select(
    User.id,
    User.uid,
    User.uid_key,
    User.name,
    User.name_key,
    User.email,
    User.dob,
    User.role,
    User.created_at,
    User.pending,
    User.password_hash.is_not(None),
    Picture.digest,
    Picture.type,
).outerjoin(Picture, and_(Picture.owner_id == User.id, is_avatar()))

_COUNTS = select(Directory.members, Directory.pending)

# Built once: a statement built for each request costs three times as much.
_ONE_LISTED = _LISTED.where(User.id == bindparam("user_id"))
_AVATAR = select(Picture.owner_id, Picture.digest, Picture.type).where(
    Picture.owner_id == bindparam("user_id"), is_avatar()
)

# How many columns are shown, or continue a page, as they are.
_SHOWN = 9


def _listed(row: Sequence[Any]) -> ListedUser:
    pending, joined, digest, kind = row[_SHOWN : _SHOWN + 4]
    status = status_of(pending=pending, joined=joined)
    avatar = None if digest is None else Avatar(row[0], digest, kind)
    columns: list[Any] = [*row[:_SHOWN], status, avatar, *row[_SHOWN + 4 :]]
    return ListedUser(*columns)


def users_page(session: Session, query: UsersQuery, viewer: Principal) -> tuple[Page[ListedUser], int | None]:
    """A page of the users that a viewer may see, and how many there are on all pages, if that is known.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """

    def fetch(part: AnySelect) -> list[ListedUser]:
        return [_listed(row) for row in session.connection().execute(part)]

    statement = _LISTED.where(visible_users(viewer))
    if not query.q:
        order = _ORDERS[query.sort]
        page = keyset_page(fetch, statement, order, limit=query.limit, cursor=query.cursor)
        return page, _count_visible(session, viewer)
    search = search_people(
        session,
        query.q,
        by_uid_first=query.sort in (Sort.UID, Sort.UID_DESCENDING),
        descending=query.sort.startswith("-"),
    )
    parts = [(part.of(statement), part.order) for part in search.parts]
    page = chained_page(fetch, parts, limit=query.limit, cursor=query.cursor)
    return page, _count_found(session, viewer, search)


def _count_found(session: Session, viewer: Principal, search: Search) -> int | None:
    if not search.is_complete:
        return None
    # In order: otherwise PostgreSQL may read the whole table in the hope of finding enough soon.
    visible = select(User.id).where(visible_users(viewer))
    statements = [part.of(visible).order_by(*part.order.clauses()) for part in search.parts]
    return bounded_count(lambda part: session.scalars(part).all(), *statements)


def _count_visible(session: Session, viewer: Principal) -> int:
    """How many users a viewer may see; the database keeps count."""
    if sees_only_themselves(viewer):
        return 1
    members, pending = session.connection().execute(_COUNTS).one()
    return int(members + pending if sees_everybody(viewer) else members)


def shown_user(session: Session, user_id: int, viewer: Principal) -> ListedUser:
    """A user by id with the avatar, as lists have them; one statement.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    row = session.connection().execute(_ONE_LISTED, {"user_id": user_id}).one_or_none()
    return _listed(found(row if row and may_see(viewer, row) else None))


def get_user(session: Session, user_id: int, viewer: Principal) -> User:
    """A user by id, to be changed.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    return _seen(session.get(User, user_id), viewer)


def get_user_by_uid(session: Session, uid: str, viewer: Principal) -> User:
    """A user by ID, however it is spelt.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    return _seen(find_by_uid(session, uid), viewer)


def _seen(user: User | None, viewer: Principal) -> User:
    return found(user if user and may_see(viewer, user) else None)


def found(user: Found | None) -> Found:
    """What was looked for.

    Raises:
        NotFound: it is not there (404).
    """
    if user is None:
        raise NotFound("No such user.")
    return user


def avatar_of(session: Session, user_id: int) -> Avatar | None:
    """What a user's avatar is shown by; None: they have none."""
    row = session.connection().execute(_AVATAR, {"user_id": user_id}).one_or_none()
    return None if row is None else Avatar(*row)
