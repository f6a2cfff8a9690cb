"""Uploads: a picture comes in, is looked at by its owner, and may be taken back."""

from dataclasses import asdict
from typing import Any

from flask import Response

from homeroom.auth.guard import token_required
from homeroom.auth.models import User
from homeroom.data.database import db
from homeroom.translations.messages import message
from homeroom.uploads.models import Purpose
from homeroom.uploads.presenters import UploadOut, UsageOut, show_upload
from homeroom.uploads.receiving import PICTURE_BODY, received_picture, receives_pictures
from homeroom.uploads.room import usage_of
from homeroom.uploads.services import create_picture, discard_upload, find_picture
from homeroom.uploads.serving import PICTURE_RESPONSE, send_rendition
from homeroom.web.answers import Blueprint
from homeroom.web.languages import translated
from homeroom.web.schema import Message, reads_body

bp = Blueprint("uploads", __name__, url_prefix="/api/uploads", tag="Pictures")


@bp.post("/")
@bp.doc(operation_id="upload_picture")
@token_required()
@receives_pictures
@bp.output(UploadOut, status_code=201, description="The picture is stored, and a project can use it.")
@reads_body(PICTURE_BODY)
def upload(user: User) -> dict[str, Any]:
    """Send a picture: JPEG, PNG, GIF or WebP, as `file` of a form, or as the body itself.

    It is told by its content, checked to its last byte, and kept in three sizes without metadata.
    Nothing uses it yet; after a day it is forgotten.
    """
    with received_picture() as file:
        picture = create_picture(file.stream, user, Purpose.PROJECT, name=file.name)
    return show_upload(picture)


@bp.get("/usage")
@bp.doc(operation_id="read_usage")
@token_required()
@bp.output(UsageOut)
def usage(user: User) -> dict[str, Any]:
    """How many pictures one has, used or not, and how many bytes they take; and how many one may have."""
    return asdict(usage_of(db.session(), user.id))


@bp.get("/<int:picture_id>/<rendition>.<extension>")
@bp.doc(responses=PICTURE_RESPONSE)
@token_required()
def read_upload(viewer: User, picture_id: int, rendition: str, extension: str) -> Response:
    """A rendition of one's own upload: avatar, card or page, as webp, jpg or png."""
    return send_rendition(find_picture(db.session(), picture_id, viewer), rendition, extension)


@bp.delete("/<int:picture_id>")
@token_required()
@bp.output(Message)
def delete_upload(user: User, picture_id: int) -> dict[str, Any]:
    """Take back one's own upload that nothing uses."""
    discard_upload(picture_id, user.id)
    return {"message": translated(message("The picture was deleted."))}
