"""Sending a picture: for ever the same under its address, in parts if asked, and as nothing but a picture."""

from typing import Any

import structlog
from flask import Response, request

from homeroom.data.errors import NotFound
from homeroom.data.transactions import give_connection_back
from homeroom.uploads.models import Picture
from homeroom.uploads.renditions import WEBP, Rendition
from homeroom.uploads.storage import PictureMissingError, current_storage
from homeroom.web.answers import VersionHeaders
from homeroom.web.schema import BINARY

MEDIA_TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
# For the OpenAPI document.
PICTURE_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture.",
        "content": {media_type: {"schema": BINARY} for media_type in MEDIA_TYPES.values()},
        "headers": VersionHeaders,
    }
}
# A picture is never changed, and only who may see it got its address.
FOR_EVER = "private, max-age=31536000, immutable"

log = structlog.get_logger(__name__)


def send_rendition(picture: Picture, rendition: str, extension: str) -> Response:
    """One file of a picture; whether the viewer may see it, the caller has checked.

    Raises:
        NotFound: there is no such rendition, or the storage lost it (404).
        RequestedRangeNotSatisfiable: the part that is asked for lies behind the end (416).
    """
    if rendition not in list(Rendition) or extension not in (WEBP, picture.suffix):
        raise NotFound("Choose avatar, card or page, as webp or in the picture's own format.")
    name, picture_id, digest = picture.file_name(Rendition(rendition), extension), picture.id, picture.digest
    # The storage may take its time; nobody else shall wait for this connection meanwhile.
    give_connection_back()
    try:
        data = current_storage().read(name)
    except PictureMissingError:
        log.warning("a picture's file is missing", picture=picture_id, remedy="homeroom uploads check")
        raise NotFound("This picture is missing on the server. Upload it again.") from None
    response = Response(data, content_type=MEDIA_TYPES[extension])
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = (
        f'inline; filename="picture-{picture_id}-{rendition}.{extension}"'
    )
    response.set_etag(f"{digest[:32]}-{rendition}-{extension}")
    response.make_conditional(request, accept_ranges=True, complete_length=len(data))
    return response
