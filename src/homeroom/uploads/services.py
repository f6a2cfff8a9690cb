"""Keeping pictures: files are written before their row is committed, and deleted after it is gone.

Whatever fails in between, a picture that is in the database has all its files. Files without a row are
swept.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from homeroom.auth.locking import lock_user
from homeroom.config import current_config
from homeroom.data.database import db
from homeroom.data.errors import Conflict, NotFound, Unavailable
from homeroom.data.transactions import give_connection_back, write_transaction
from homeroom.data.types import utc_now
from homeroom.uploads.decoding import prepare_picture
from homeroom.uploads.encoding import PreparedPicture
from homeroom.uploads.models import Picture, Purpose, is_avatar
from homeroom.uploads.permissions import owns
from homeroom.uploads.room import require_room, require_room_in_class
from homeroom.uploads.storage import current_storage

# Whoever writes a project may take a break; a file that is younger may belong to a request that runs.
ABANDONED_AFTER = timedelta(days=1)
_ROWS_AT_ONCE = 500

log = structlog.get_logger(__name__)


def create_picture(stream: IO[bytes], owner_id: int, purpose: Purpose, *, name: str | None = None) -> Picture:
    """Check an uploaded file and keep it as a picture that nothing uses yet.

    Raises:
        Forbidden: the owner has as many pictures or bytes as one may have, or the class has (403).
        TooLarge, WrongType, Unreadable: see `prepare_picture`.
        Unavailable: too many pictures wait, or the storage fails (503).
    """
    require_room(db.session(), owner_id)
    # Decoding may wait its turn; nobody else shall wait for this connection meanwhile.
    give_connection_back()
    prepared = prepare_picture(stream, name=name, max_bytes=current_config().max_upload_bytes)
    require_room(db.session(), owner_id, prepared.bytes)
    require_room_in_class(db.session(), prepared.bytes)
    give_connection_back()
    with _stored(prepared, owner_id, purpose) as picture, write_transaction() as session:
        _lock_owner(session, owner_id)
        require_room(session, owner_id, prepared.bytes)
        session.add(picture)
    return picture


def _lock_owner(session: Session, owner_id: int) -> None:
    """Of one person's uploads one counts the pictures at a time."""
    if lock_user(session, owner_id) is None:
        raise Conflict("This account has been deleted.")


@contextmanager
def _stored(prepared: PreparedPicture, owner_id: int, purpose: Purpose) -> Iterator[Picture]:
    """The files are there, the row is the caller's to commit; if that fails, the files go again."""
    files = prepared.files
    digest = hashlib.sha256(secrets.token_bytes(16))
    for data in files.values():
        digest.update(data)
    picture = Picture(
        owner_id=owner_id,
        purpose=purpose,
        attached=False,
        width=prepared.width,
        height=prepared.height,
        bytes=prepared.bytes,
        digest=digest.hexdigest(),
        type=prepared.type,
    )
    names = {picture.file_name(*place): data for place, data in files.items()}
    storage = current_storage()
    try:
        for name, data in names.items():
            storage.save(name, data)
        yield picture
    except OperationalError:
        # Whether the commit arrived is unknown. If it did not, the files are swept.
        raise
    except BaseException:
        forget_files(names)
        raise


def forget_files(names: Iterable[str]) -> None:
    """Delete files whose rows are gone; what the storage cannot do now, the sweep does later."""
    storage = current_storage()
    for name in names:
        try:
            storage.delete(name)
        except Unavailable:
            log.warning("files of deleted pictures are left to `homeroom uploads sweep`")
            return


def delete_pictures(session: Session, pictures: Iterable[Picture]) -> list[str]:
    """Delete rows in the caller's transaction; the files' names are for `forget_files` after the commit."""
    names: list[str] = []
    for picture in pictures:
        names += picture.file_names()
        session.delete(picture)
    session.flush()
    return names


def find_picture(session: Session, picture_id: int, viewer_id: int) -> Picture:
    """An uploaded picture for its owner: others see it where a project or a portrait shows it to them.

    Raises:
        NotFound: there is none of theirs (404).
    """
    picture = session.get(Picture, picture_id)
    if picture is None or not owns(viewer_id, picture):
        raise NotFound("No such picture.")
    return picture


def discard_upload(picture_id: int, owner_id: int) -> None:
    """Delete one's own upload that nothing uses.

    Raises:
        NotFound: there is none of this owner (404).
        Conflict: it is in use (409).
    """
    with write_transaction() as session:
        picture = session.get(Picture, picture_id, with_for_update=True)
        if picture is None or not owns(owner_id, picture):
            raise NotFound("No such picture.")
        if picture.attached:
            raise Conflict("This picture is in use. Remove it there first.")
        names = delete_pictures(session, [picture])
    forget_files(names)


def pictures_of(session: Session, owner_id: int) -> Sequence[Picture]:
    """All pictures of a user, used or not."""
    return session.scalars(select(Picture).where(Picture.owner_id == owner_id).order_by(Picture.id)).all()


def avatars_of(session: Session, user_ids: Iterable[int]) -> dict[int, Picture]:
    """Users' avatars by user, in one query however many users there are."""
    statement = select(Picture).where(Picture.owner_id.in_(list(user_ids)), is_avatar())
    return {picture.owner_id: picture for picture in session.scalars(statement)}


@dataclass(frozen=True)
class Swept:
    """How much was deleted."""

    uploads: int
    files: int


def sweep() -> Swept:
    """Delete uploads that nothing used for a day, and files of that age that belong to no picture."""
    before = utc_now() - ABANDONED_AFTER
    uploads = 0
    while names := _delete_some_abandoned(before):
        uploads += len(names)
        for files in names:
            forget_files(files)
    orphans = find_orphans(before)
    forget_files(orphans)
    return Swept(uploads, len(orphans))


def _delete_some_abandoned(before: datetime) -> list[list[str]]:
    """The names of the files, upload by upload."""
    abandoned = select(Picture).where(~Picture.attached, Picture.created_at < before).limit(_ROWS_AT_ONCE)
    with write_transaction() as session:
        # Locked: a project that takes one of them at this moment either has it or is refused.
        pictures = session.scalars(abandoned.with_for_update()).all()
        return [delete_pictures(session, [picture]) for picture in pictures]


def find_orphans(before: datetime) -> list[str]:
    """Names of stored files that are older than a moment and belong to no picture."""
    old = [file.name for file in current_storage().files() if file.modified_at < before]
    known = {name for picture in _all_pictures() for name in picture.file_names()}
    return sorted(set(old) - known)


def find_missing() -> list[str]:
    """Names of files that a picture in the database has, and the storage has not."""
    known = {name: picture.id for picture in _all_pictures() for name in picture.file_names()}
    missing = known.keys() - {file.name for file in current_storage().files()}
    # Those that were deleted while we looked are gone rightly.
    present = {picture.id for picture in _all_pictures(Picture.id.in_({known[name] for name in missing}))}
    return sorted(name for name in missing if known[name] in present)


def _all_pictures(*conditions: ColumnElement[bool]) -> Iterator[Picture]:
    """Pictures, some hundred rows at a time."""
    session, last_id = db.session(), 0
    # What is true now, not when this session began to read.
    session.rollback()
    while True:
        statement = select(Picture).where(Picture.id > last_id, *conditions).order_by(Picture.id)
        rows = session.scalars(statement.limit(_ROWS_AT_ONCE)).all()
        yield from rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        last_id = rows[-1].id
