"""One's own picture, sent and given as base64 as the lesson's pages do."""

import base64
import binascii
import hashlib

from apiflask import APIBlueprint
from flask import Response, abort, jsonify
from pydantic import Field

from homeroom.auth.guard import token_required
from homeroom.auth.models import User
from homeroom.config import current_config
from homeroom.db import write_transaction
from homeroom.problems import reject_field
from homeroom.schema import Body, Output
from homeroom.uploads.pictures import Picture, make_avatar
from homeroom.uploads.storage import PictureMissingError, current_storage

bp = APIBlueprint("pictures", __name__, url_prefix="/api/id", tag="Users")


class PictureIn(Body):
    """A picture in base64, without a `data:` prefix."""

    pfp: str = Field(min_length=1, json_schema_extra={"contentEncoding": "base64"})


class PictureOut(Output):
    """A picture in base64: a JPEG or a PNG."""

    pfp: str


@bp.get("/pfp")
@bp.doc(security="session")
@token_required()
@bp.output(PictureOut)
def read_own_picture(user: User) -> Response:
    """One's own picture."""
    if user.picture is None:
        abort(404, "You have no picture yet.")
    try:
        data = current_storage().read(user.picture)
    except PictureMissingError:
        abort(404, "Your picture is missing on the server; send it again.")
    return jsonify(pfp=base64.b64encode(data).decode())


@bp.put("/pfp")
@bp.doc(security="session")
@token_required()
@bp.input(PictureIn)
@bp.output(PictureOut)
def replace_own_picture(user: User, json_data: PictureIn) -> Response:
    """Set one's own picture; it is checked, turned upright, and stripped of metadata."""
    user_id = user.id
    picture = make_avatar(_decode(json_data.pfp), max_bytes=current_config().max_upload_bytes)
    name = _name(user_id, picture)
    storage = current_storage()
    storage.save(name, picture.data)
    with write_transaction() as session:
        owner = session.get_one(User, user_id)
        replaced, owner.picture = owner.picture, name
    if replaced is not None and replaced != name:
        storage.delete(replaced)
    return jsonify(pfp=base64.b64encode(picture.data).decode())


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        reject_field("#/pfp", "This is no base64; send it without the `data:…;base64,` in front.")


def _name(user_id: int, picture: Picture) -> str:
    # The owner is part of the name: two people may choose the same picture and one of them delete it.
    digest = hashlib.sha256(picture.data).hexdigest()[:32]
    return f"avatars/{user_id}-{digest}.{picture.suffix}"
