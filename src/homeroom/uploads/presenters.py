"""What the uploads' addresses give."""

from typing import Any

from pydantic import Field

from homeroom.uploads.models import Picture
from homeroom.uploads.renditions import WEBP, Rendition
from homeroom.web.schema import Output


class RenditionUrls(Output):
    """Addresses of one rendition."""

    webp: str = Field(examples=["/api/uploads/7/card.webp"])
    original: str = Field(examples=["/api/uploads/7/card.jpg"], description="A JPEG or a PNG.")


class PictureUrls(Output):
    """Addresses by rendition: 128 pixels square, at most 480 wide, at most 1600 wide."""

    avatar: RenditionUrls
    card: RenditionUrls
    page: RenditionUrls


class UploadOut(Output):
    """A stored picture: its size on a page in pixels, and the size of all its files."""

    id: int
    width: int
    height: int
    bytes: int
    urls: PictureUrls


class UsageOut(Output):
    """The storage your pictures use, and its limits."""

    pictures: int
    max_pictures: int
    bytes: int
    max_bytes: int


def show_rendition(base: str, rendition: Rendition, suffix: str) -> dict[str, str]:
    """The addresses of one rendition under `base`."""
    return {"webp": f"{base}/{rendition}.{WEBP}", "original": f"{base}/{rendition}.{suffix}"}


def show_urls(picture: Picture, base: str) -> dict[str, dict[str, str]]:
    """The addresses of all renditions under `base`."""
    return {rendition.value: show_rendition(base, rendition, picture.suffix) for rendition in Rendition}


def show_upload(picture: Picture) -> dict[str, Any]:
    """An upload as its owner sees it."""
    return {
        "id": picture.id,
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.bytes,
        "urls": show_urls(picture, f"/api/uploads/{picture.id}"),
    }
