"""The sizes and types that pictures are kept in; it needs nothing, so that the decoder starts at once."""

from enum import StrEnum

WEBP = "webp"


class PictureType(StrEnum):
    """How the renditions beside WebP are encoded: photographs as JPEG, everything else as PNG."""

    JPEG = "jpeg"
    PNG = "png"

    @property
    def suffix(self) -> str:
        """The file name's ending."""
        return "jpg" if self is PictureType.JPEG else "png"


class Rendition(StrEnum):
    """A size that a picture is kept in."""

    AVATAR = "avatar"
    CARD = "card"
    PAGE = "page"
