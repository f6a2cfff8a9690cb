"""Avatars: one's own picture, chosen from an upload, sent as a file, or in base64 as the lesson has it."""

import base64
import binascii
import io
from typing import Any

from flask import Response, request
from pydantic import Field, ValidationError

from homeroom.auth.guard import token_required
from homeroom.auth.locking import lock_user
from homeroom.auth.viewer import Viewer
from homeroom.config import today
from homeroom.data.database import db
from homeroom.data.errors import Conflict, NotFound, reject_field
from homeroom.data.transactions import give_connection_back, write_transaction
from homeroom.uploads.models import Picture, Purpose
from homeroom.uploads.permissions import owns
from homeroom.uploads.receiving import PICTURE_BODY, received_picture, receives_pictures
from homeroom.uploads.renditions import Rendition
from homeroom.uploads.services import avatars_of, create_picture, delete_pictures, forget_files
from homeroom.uploads.serving import PICTURE_RESPONSE, send_rendition
from homeroom.uploads.storage import PictureMissingError, current_storage
from homeroom.users.listing import show_one
from homeroom.users.presenters import UserOut, digest_version
from homeroom.users.queries import get_user
from homeroom.web.answers import Blueprint
from homeroom.web.pagination import MAX_ID
from homeroom.web.schema import Body, ContractBody, Output, reads_body

bp = Blueprint("pictures", __name__, url_prefix="/api", tag="Users")


class Base64PictureIn(ContractBody):
    """A picture in base64, without a `data:` prefix."""

    pfp: str = Field(min_length=1, json_schema_extra={"contentEncoding": "base64"})


class Base64PictureOut(Output):
    """A picture in base64: a JPEG or a PNG."""

    pfp: str


class UploadToUse(Body):
    """Which upload becomes the avatar."""

    picture_id: int = Field(ge=1, le=MAX_ID)


@bp.get("/id/pfp")
@token_required()
@bp.output(Base64PictureOut)
def read_own_picture(user: Viewer) -> dict[str, Any]:
    """Get your own picture, 128 pixels square."""
    missing = None
    while avatar := _avatar_of(user.id):
        if avatar.id == missing:
            raise NotFound("Your picture is missing on the server. Upload it again.")
        missing = avatar.id
        try:
            return _as_base64(avatar)
        except PictureMissingError:
            # Replaced since it was looked up? Then another one is the picture now.
            continue
    raise NotFound("You have no picture yet.")


def _as_base64(picture: Picture) -> dict[str, Any]:
    """A picture's smallest rendition.

    Raises:
        PictureMissingError: the storage does not have it.
    """
    name = picture.file_name(Rendition.AVATAR, picture.suffix)
    # The storage may take its time; nobody else shall wait for this connection meanwhile.
    give_connection_back()
    return {"pfp": base64.b64encode(current_storage().read(name)).decode()}


@bp.put("/id/pfp")
@token_required()
@receives_pictures
@bp.input(Base64PictureIn)
@bp.output(Base64PictureOut)
def replace_own_picture(user: Viewer, json_data: Base64PictureIn) -> dict[str, Any]:
    """Set your picture. It is checked, turned upright, and stripped of metadata."""
    picture = create_picture(io.BytesIO(_decode(json_data.pfp)), user.id, Purpose.AVATAR)
    picture_id = picture.id
    # Read before it is the avatar: the next one that is sent replaces it, files and all.
    shown = _as_base64(picture)
    use_as_avatar(picture_id, user.id)
    return shown


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        reject_field("#/pfp", "This isn't base64. Send it without the `data:…;base64,` in front.")


@bp.put("/id/picture")
@token_required()
@receives_pictures
@bp.output(UserOut)
@reads_body({"application/json": UploadToUse, **PICTURE_BODY})
def replace_avatar(user: Viewer) -> dict[str, Any]:
    """Set your picture: the `picture_id` of an upload, a form with `file`, or the picture itself."""
    use_as_avatar(_upload_to_use() if request.is_json else _receive_avatar(user), user.id)
    return show_one(db.session(), user.id, user, today())


def _upload_to_use() -> int:
    try:
        return UploadToUse.model_validate(request.get_json()).picture_id
    except ValidationError:
        reject_field("#/picture_id", "Send the ID of one of your uploads as `picture_id`.")


def _receive_avatar(user: Viewer) -> int:
    with received_picture() as file:
        return create_picture(file.stream, user.id, Purpose.AVATAR, name=file.name).id


@bp.delete("/id/picture")
@bp.delete("/id/pfp", endpoint="remove_own_picture")
@token_required()
@bp.output(UserOut)
def remove_avatar(user: Viewer) -> dict[str, Any]:
    """Remove your picture. Repeating the request is fine."""
    with write_transaction() as session:
        lock_user(session, user.id)
        files = delete_pictures(session, avatars_of(session, [user.id]).values())
    forget_files(files)
    return show_one(db.session(), user.id, user, today())


@bp.get("/users/<int:user_id>/picture/<rendition>.<extension>")
@bp.doc(responses=PICTURE_RESPONSE)
@token_required()
def read_avatar(viewer: Viewer, user_id: int, rendition: str, extension: str) -> Response:
    """Get a rendition of a user's picture: avatar, card or page, as webp, jpg or png.

    The address in the user's `picture` names the version (`v`) and may be kept for ever; without it the
    browser asks each time.
    """
    avatar = _avatar_of(get_user(db.session(), user_id, viewer).id)
    if avatar is None:
        raise NotFound("This user has no picture.")
    version = digest_version(avatar.digest)
    response = send_rendition(avatar, rendition, extension)
    if request.args.get("v") != version:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def use_as_avatar(picture_id: int, owner_id: int) -> None:
    """Make an own upload, which nothing uses yet, the avatar; the one before is deleted.

    Raises:
        NotFound: there is no such upload of this owner (404).
        Conflict: something else uses it (409).
    """
    with write_transaction() as session:
        # Whoever sets an avatar twice at once: the second one replaces that of the first.
        lock_user(session, owner_id)
        picture = session.get(Picture, picture_id, with_for_update=True)
        if picture is None or not owns(owner_id, picture):
            raise NotFound("No such upload.")
        before = avatars_of(session, [owner_id]).values()
        if picture in before:
            return
        if picture.attached:
            raise Conflict("A project uses this picture. Upload it again for your profile.")
        files = delete_pictures(session, before)
        picture.purpose, picture.attached = Purpose.AVATAR, True
    forget_files(files)


def _avatar_of(user_id: int) -> Picture | None:
    return avatars_of(db.session(), [user_id]).get(user_id)
