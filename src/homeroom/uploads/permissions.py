"""Who may send pictures, and whose an upload is."""

from homeroom.auth.permissions import Principal
from homeroom.uploads.models import Picture


def may_send_pictures(user: Principal) -> bool:
    """Whether somebody may send pictures: everyone who has been admitted."""
    return not user.pending


def owns(user_id: int, picture: Picture) -> bool:
    """Whether a picture is somebody's own.

    It is its owner's alone until something uses it; then others see it where a project or a portrait does.
    """
    return picture.owner_id == user_id
