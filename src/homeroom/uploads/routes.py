"""Uploads: a picture comes in, is looked at by its owner, and may be taken back."""

from dataclasses import asdict
from typing import Any

from flask import Response

from homeroom.auth.guard import token_required
from homeroom.auth.viewer import Viewer
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
def upload(user: Viewer) -> dict[str, Any]:
    """Send a picture: JPEG, PNG, GIF or WebP, as `file` of a form, or as the body itself.

    The type is detected from the content. The picture is stored in three sizes, without metadata.
    Unused uploads are deleted after a day.
    """
    with received_picture() as file:
        picture = create_picture(file.stream, user.id, Purpose.PROJECT, name=file.name)
    return show_upload(picture)


@bp.get("/usage")
@bp.doc(operation_id="read_usage")
@token_required()
@bp.output(UsageOut)
def usage(user: Viewer) -> dict[str, Any]:
    """Get the number and size of your pictures, and the limits."""
    return asdict(usage_of(db.session(), user.id))


@bp.get("/<int:picture_id>/<rendition>.<extension>")
@bp.doc(responses=PICTURE_RESPONSE)
@token_required()
def read_upload(viewer: Viewer, picture_id: int, rendition: str, extension: str) -> Response:
    """Get a rendition of your own upload: avatar, card or page, as webp, jpg or png."""
    return send_rendition(find_picture(db.session(), picture_id, viewer.id), rendition, extension)


@bp.delete("/<int:picture_id>")
@token_required()
@bp.output(Message)
def delete_upload(user: Viewer, picture_id: int) -> dict[str, Any]:
    """Delete an unused upload of yours."""
    discard_upload(picture_id, user.id)
    return {"message": translated(message("The picture was deleted."))}
