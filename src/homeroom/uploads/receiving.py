"""Taking a picture out of a request: to the disk, not to memory, and only so many at once."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import IO, Any, TypeVar

from flask import request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from homeroom.auth.limits import AttemptLimit, count_attempt, refund_attempt
from homeroom.auth.viewer import Viewer
from homeroom.config import current_config
from homeroom.data.database import db
from homeroom.data.errors import Forbidden, TooLarge, Unavailable, WrongType, reject_field
from homeroom.data.transactions import give_connection_back
from homeroom.translations.messages import message
from homeroom.uploads import heic
from homeroom.uploads.patience import holding, wait_left
from homeroom.uploads.permissions import may_send_pictures
from homeroom.uploads.schemas import PictureFile
from homeroom.uploads.turns import FairQueue, in_turn
from homeroom.web.spool import open_spool

View = TypeVar("View", bound=Callable[..., Any])

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
# For the OpenAPI document: what `received_picture` reads.
PICTURE_BODY: dict[str, type[BaseModel] | None] = {
    "multipart/form-data": PictureFile,
    **dict.fromkeys(IMAGE_TYPES),
}
UPLOADS = AttemptLimit("upload", 300, timedelta(hours=1), message("You have sent too many pictures."))

# Each holds a thread while its bytes come in and while it is decoded. `homeroom serve` gives a worker that
# many threads more than its pages need, so that no picture keeps the rest of the site waiting. Decoding is
# what takes the time, one after the other; more at once would not be done sooner.
UPLOADS_AT_ONCE = min(4, 2 * (os.cpu_count() or 1) - 1)
# The others wait before their bytes are read, on a thread each, for which `homeroom serve` provides as well.
MAX_UPLOADS_WAITING = 40
# A page may send all pictures of a project at once; more of one person would be everybody's places.
MAX_UPLOADS_WAITING_OF_ONE = 24
_RETRY_S = 10
_places = FairQueue(UPLOADS_AT_ONCE, MAX_UPLOADS_WAITING, most_of_one=MAX_UPLOADS_WAITING_OF_ONE)

_CHUNK_BYTES = 64 * 1024
# Lines around the file in a form.
_FORM_OVERHEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class ReceivedFile:
    """A file that came in whole, and what the sender calls it."""

    stream: IO[bytes]
    name: str | None


def receives_pictures(view: View) -> View:
    """Guard a view that takes a picture, before the body is read: who may send one, how often, how much.

    It stands below `token_required`.

    Raises:
        Forbidden: a pending account (403).
        TooLarge: the request says itself that it is too large (413).
        TooMany: too many pictures in an hour (429).
        Unavailable: so many come in that there is no place in 20 seconds (503).
    """

    @wraps(view)
    def guarded(user: Viewer, *args: Any, **kwargs: Any) -> Any:
        if not may_send_pictures(user):
            raise Forbidden("Your account is waiting for approval. After that you can upload pictures.")
        _refuse_announced_size()
        # Bytes may take their time to come in; nobody else shall wait for this connection meanwhile.
        give_connection_back()
        count_attempt(UPLOADS, str(user.id))
        try:
            with _place(user.id):
                return view(user, *args, **kwargs)
        except (Unavailable, SQLAlchemyError, OSError):
            # That nothing was kept is the server's fault: it may be tried again.
            db.session.rollback()
            refund_attempt(UPLOADS, str(user.id))
            raise

    return guarded  # type: ignore[return-value]  # it is called as the view is


def _refuse_announced_size() -> None:
    """JSON is left alone: base64 is a third larger, and the application's own bound holds for it."""
    limit = current_config().max_upload_bytes + _FORM_OVERHEAD_BYTES
    if not request.is_json and (request.content_length or 0) > limit:
        _refuse_large()


def _place(user_id: int) -> AbstractContextManager[None]:
    busy = Unavailable(
        "Many people are uploading pictures. Try again in a few seconds.", retry_after_s=_RETRY_S
    )
    return holding(in_turn(_places, user_id, wait_s=wait_left(), busy=busy), request.environ)


@contextmanager
def received_picture() -> Iterator[ReceivedFile]:
    """The picture in a request: the body itself, or `file` of a form; on the disk until the block ends.

    Raises:
        TooLarge: too many bytes (413).
        WrongType: neither a picture nor a form (415).
        InvalidFields: the form has no file (422).
    """
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            reject_field("#/file", "The form needs a file named “file”.")
        with file.stream as stream:
            yield ReceivedFile(stream, file.filename)
        return
    if request.mimetype in heic.TYPES:
        raise WrongType(heic.REMEDY)
    if request.mimetype not in IMAGE_TYPES:
        raise WrongType(
            "Send a form with the picture as “file”, or the picture itself as image/jpeg, png, gif or webp.",
        )
    with open_spool() as stream:
        _copy_body(stream)
        yield ReceivedFile(stream, None)


def _copy_body(stream: IO[bytes]) -> None:
    remaining = current_config().max_upload_bytes
    while chunk := request.stream.read(_CHUNK_BYTES):
        remaining -= len(chunk)
        if remaining < 0:
            _refuse_large()
        stream.write(chunk)


def _refuse_large() -> None:
    raise TooLarge("A picture can have at most {kib:,} KiB.", kib=current_config().max_upload_bytes // 1024)
