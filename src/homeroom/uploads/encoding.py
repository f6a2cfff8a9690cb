"""Encoding a decoded picture in all its renditions, in no more bytes than its original gives reason for."""

import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from homeroom.uploads.renditions import WEBP, PictureType, Rendition

AVATAR_PIXELS = 128
# The largest width and height; a picture is never enlarged.
BOUNDS = {Rendition.CARD: (480, 1440), Rendition.PAGE: (1600, 4800)}

# Of 0 to 6. Pillow's own, 4, takes twice as long for 4 % fewer bytes.
_WEBP_EFFORT = 2

# All files of a picture together, beside the original: a photograph's have about twice its bytes. What is
# kept of a small drawing may be larger, within a bound.
MAX_GROWTH = 4
ALWAYS_ALLOWED_BYTES = 1536 * 1024


@dataclass(frozen=True)
class PreparedPicture:
    """A picture ready to be kept: its size on a page, its type, and its files by rendition and ending."""

    width: int
    height: int
    type: PictureType
    files: dict[tuple[Rendition, str], bytes]

    @property
    def bytes(self) -> int:
        return sum(map(len, self.files.values()))


@dataclass(frozen=True)
class Thrift:
    """What is given up for fewer bytes: the page's size is divided, colours are few, quality falls."""

    divisor: int
    few_colours: bool
    jpeg_quality: int
    webp_quality: int


STEPS = (Thrift(1, False, 85, 80), Thrift(1, True, 70, 60), Thrift(2, True, 70, 60), Thrift(4, True, 60, 50))


def encode(
    page: Image.Image, picture_type: PictureType, *, is_lossy: bool, original_bytes: int
) -> PreparedPicture:
    """All renditions, as good as they may be within the bound.

    Of a lossy original a lossless copy is many times as large and no better: its PNG, which there is for its
    transparency, gets 256 colours.
    """
    bound = max(ALWAYS_ALLOWED_BYTES, MAX_GROWTH * original_bytes)
    for step in STEPS[is_lossy and picture_type is PictureType.PNG :]:
        prepared = _encode(_divided(page, step.divisor), picture_type, step)
        if prepared.bytes <= bound:
            break
    return prepared


def _divided(page: Image.Image, divisor: int) -> Image.Image:
    if divisor == 1:
        return page
    width, height = BOUNDS[Rendition.PAGE]
    smaller = page.copy()
    smaller.thumbnail((width // divisor, height // divisor), reducing_gap=2.0)
    return smaller


def _encode(page: Image.Image, picture_type: PictureType, step: Thrift) -> PreparedPicture:
    card = page.copy()
    card.thumbnail(BOUNDS[Rendition.CARD], reducing_gap=2.0)
    avatar = ImageOps.fit(page, (min(AVATAR_PIXELS, *page.size),) * 2)
    files = {}
    for rendition, image in ((Rendition.PAGE, page), (Rendition.CARD, card), (Rendition.AVATAR, avatar)):
        files[rendition, WEBP] = _saved(image, "WEBP", quality=step.webp_quality, method=_WEBP_EFFORT)
        if picture_type is PictureType.JPEG:
            files[rendition, "jpg"] = _saved(image, "JPEG", quality=step.jpeg_quality, progressive=True)
        elif step.few_colours:
            files[rendition, "png"] = _saved(image.quantize(256, Image.Quantize.FASTOCTREE), "PNG")
        else:
            files[rendition, "png"] = _saved(image, "PNG")
    return PreparedPicture(page.width, page.height, picture_type, files)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
