"""The directory as a viewer may see it: a page, made once for all who see the same, and one user."""

from datetime import date
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from homeroom.auth.permissions import Principal
from homeroom.users.permissions import (
    may_see_private,
    may_see_private_of_all,
    sees_everybody,
    sees_only_themselves,
)
from homeroom.users.presenters import show_as, show_user
from homeroom.users.queries import ListedUser, shown_user, users_page
from homeroom.users.schemas import UsersQuery
from homeroom.web.kept_answers import shared
from homeroom.web.pagination import Page


class Listing(NamedTuple):
    """A page of users, how many there are on all pages, if that is known, and each as a viewer sees them."""

    page: Page[ListedUser]
    total: int | None
    shown: list[msgspec.Raw]


def list_page(session: Session, query: UsersQuery, viewer: Principal, day: date) -> Listing:
    """A page of the users that a viewer may see, with their ages on a day.

    Raises:
        InvalidFields: the cursor is none of ours (422).
    """
    all_private = may_see_private_of_all(viewer)

    def read() -> Listing:
        page, total = users_page(session, query, viewer)
        return Listing(page, total, [_json(user, day, private=all_private) for user in page.rows])

    if sees_only_themselves(viewer):
        listing = read()
    else:
        listing = shared(("users", sees_everybody(viewer), all_private, query), read)
    own = (place for place, user in enumerate(listing.page.rows) if may_see_private(viewer, user.id))
    if all_private or (place := next(own, None)) is None:
        return listing
    shown = [*listing.shown]
    shown[place] = _json(listing.page.rows[place], day, private=True)
    return listing._replace(shown=shown)


def show_one(session: Session, user_id: int, viewer: Principal, day: date) -> dict[str, Any]:
    """A user by id, with the age on a day, as a viewer may see them.

    Raises:
        NotFound: there is none that the viewer may see (404).
    """
    user = shown_user(session, user_id, viewer)
    return show_user(user, user.avatar, viewer, day)


def _json(user: ListedUser, day: date, *, private: bool) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(show_as(user, user.avatar, day, private=private)))
