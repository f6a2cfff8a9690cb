"""How much room pictures may take: of one person, and of the class."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from homeroom.config import current_config
from homeroom.data.errors import Forbidden
from homeroom.data.tallies import Total, read_total
from homeroom.uploads.models import Picture

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Usage:
    """What somebody's pictures take, and may take at most."""

    pictures: int
    max_pictures: int
    bytes: int
    max_bytes: int


def usage_of(session: Session, owner_id: int) -> Usage:
    """The room that a person's pictures take, used by something or not."""
    config = current_config()
    columns = func.count(Picture.id), func.coalesce(func.sum(Picture.bytes), 0)
    pictures, taken = session.execute(select(*columns).where(Picture.owner_id == owner_id)).one()
    return Usage(pictures, config.max_pictures_per_user, int(taken), config.max_bytes_per_user)


def require_room(session: Session, owner_id: int, adding_bytes: int = 0) -> None:
    """Let only those keep a picture who have room for it.

    Raises:
        Forbidden: they have as many pictures, or as many bytes of them, as one person may have (403).
    """
    usage = usage_of(session, owner_id)
    if usage.pictures >= usage.max_pictures:
        raise Forbidden(
            "You have {max_pictures:,} pictures, which is the limit. Delete some first.",
            max_pictures=usage.max_pictures,
        )
    if usage.bytes + adding_bytes > usage.max_bytes or usage.bytes == usage.max_bytes:
        raise Forbidden(
            "Your pictures use {used:,} of your {available:,} MB. Delete some first.",
            used=_megabytes(usage.bytes),
            available=_megabytes(usage.max_bytes),
        )


def require_room_in_class(session: Session, adding_bytes: int) -> None:
    """Let a picture be kept only where the class has room for it.

    It is asked before a unit of writing, not within: of several that come in at once the last may go a few
    megabytes beyond.

    Raises:
        Forbidden: the class has none left (403).
    """
    limit = current_config().max_bytes_of_class
    if taken_by_class(session) + adding_bytes > limit:
        raise Forbidden(
            "The class has used all of its {available:,} MB for pictures. "
            "Delete some of yours, or ask whoever runs the class site.",
            available=_megabytes(limit),
        )


def taken_by_class(session: Session) -> int:
    """The room that all pictures take."""
    return read_total(session, Total.PICTURES_BYTES)


def _megabytes(size: int) -> float:
    """A size with one decimal place where it needs one."""
    size_mb = round(size / _MEGABYTE, 1)
    return int(size_mb) if size_mb.is_integer() else size_mb
