"""The pictures of an old server's users: files in a folder, or base64 in the row."""

import base64
import binascii
import io
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from homeroom.config import current_config
from homeroom.data.errors import Refused, Unavailable
from homeroom.roster.legacy.people import LegacyUser
from homeroom.uploads.models import Purpose
from homeroom.uploads.services import create_picture
from homeroom.users.avatars import use_as_avatar

# Longer texts name no file.
_MAX_FILE_NAME = 255
_TRIES, _PAUSE_S = 3, 2.0


class PictureNotTakenError(Exception):
    """A picture stays behind; the text says why."""


def picture_folders(database: Path) -> tuple[Path, ...]:
    """Where servers of the lesson's kind keep pictures: `instance/uploads`, their database being in
    `instance` or in `instance/volumes`.
    """
    beside = database.resolve().parent
    return (beside / "uploads", beside.parent / "uploads")


def read_picture(user: LegacyUser, folders: Sequence[Path]) -> bytes:
    """A user's picture as the old server had it.

    Raises:
        PictureNotTakenError: there is no such file, it is too large, or cannot be read.
    """
    path = _find_file(user, folders)
    if path is None:
        return _from_base64(user.picture)
    try:
        # One byte more than allowed is enough to be refused.
        with path.open("rb") as file:
            return file.read(current_config().max_upload_bytes + 1)
    except OSError as error:
        raise PictureNotTakenError(f"can't be read: {error.strerror}") from None


def _find_file(user: LegacyUser, folders: Sequence[Path]) -> Path | None:
    """The file that a row names, below one of the folders and nowhere else."""
    if len(user.picture) > _MAX_FILE_NAME or "\0" in user.picture:
        return None
    name = PurePosixPath(user.picture.replace("\\", "/")).name
    if not name or name == "..":
        return None
    for folder in folders:
        for path in (folder / user.uid / name, folder / name):
            inside = path.resolve().is_relative_to(folder.resolve())
            if inside and path.is_file():
                return path
    return None


def _from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) < len(text) // 2:
        raise PictureNotTakenError("there's no such file. Pass its folder with --pictures")
    return data


def keep_picture(user_id: int, data: bytes) -> None:
    """Make a picture the avatar of a user who has just been taken over.

    Raises:
        PictureNotTakenError: it is none, is too large, or cannot be kept at the moment.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            use_as_avatar(create_picture(io.BytesIO(data), user_id, Purpose.AVATAR).id, user_id)
        except Unavailable as error:
            # The site runs, and other pictures come in.
            if not tries_left:
                raise PictureNotTakenError(error.detail.rstrip(".")) from None
            time.sleep(_PAUSE_S)
        except Refused as error:
            raise PictureNotTakenError(error.detail.rstrip(".")) from None
        else:
            return
