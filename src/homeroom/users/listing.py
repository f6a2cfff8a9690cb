"""A page of the directory as JSON: made once for all who see the same, then with one's own row."""

from datetime import date
from typing import NamedTuple

import msgspec
from sqlalchemy.orm import Session

from homeroom.auth.permissions import Principal
from homeroom.users.permissions import (
    may_see_private,
    may_see_private_of_all,
    sees_everybody,
    sees_only_themselves,
)
from homeroom.users.presenters import show_as
from homeroom.users.queries import ListedUser, users_page
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


def _json(user: ListedUser, day: date, *, private: bool) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(show_as(user, user.avatar, day, private=private)))
