"""Checking pictures: told by content, decoded whole, and encoded anew without their metadata."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError
from werkzeug.exceptions import RequestEntityTooLarge, UnprocessableEntity, UnsupportedMediaType

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
# A 24-megapixel photograph fits; a bomb of a few kilobytes that unfolds to gigabytes does not.
MAX_PIXELS = 40_000_000
AVATAR_PIXELS = 512
_BROKEN = "This picture is damaged; save it again and retry."


@dataclass(frozen=True)
class Picture:
    """An encoded picture, ready to be kept: its bytes and its file name's ending."""

    data: bytes
    suffix: str


def make_avatar(data: bytes, *, max_bytes: int) -> Picture:
    """A square picture of at most 512 pixels from an uploaded one, without metadata, upright.

    Raises:
        RequestEntityTooLarge: more bytes or pixels than allowed (413).
        UnsupportedMediaType: no JPEG, PNG, GIF or WebP (415).
        UnprocessableEntity: it cannot be decoded to its end (422).
    """
    if len(data) > max_bytes:
        raise RequestEntityTooLarge(f"A picture has at most {max_bytes // 1024} KiB.")
    image = _decode(data)
    square = ImageOps.fit(image, (min(AVATAR_PIXELS, *image.size),) * 2)
    target, buffer = square.convert("RGBA" if square.has_transparency_data else "RGB"), io.BytesIO()
    # A JPEG's comment and a PNG's texts travel in `info` and would be written again.
    target.info.clear()
    if target.mode == "RGBA":
        target.save(buffer, "PNG", optimize=True)
        return Picture(buffer.getvalue(), "png")
    target.save(buffer, "JPEG", quality=85, optimize=True)
    return Picture(buffer.getvalue(), "jpg")


def _decode(data: bytes) -> Image.Image:
    """The first frame, upright, decoded to its last byte: only that tells a picture from a polyglot."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of doubtful pictures; a warning is a reason to refuse.
            warnings.simplefilter("error")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise RequestEntityTooLarge(f"A picture has at most {MAX_PIXELS // 10**6} megapixels.")
            # JPEGs are decoded at the smallest scale that is large enough.
            image.draft("RGB", (2 * AVATAR_PIXELS, 2 * AVATAR_PIXELS))
            image.load()
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise UnsupportedMediaType("Pictures are JPEG, PNG, GIF or WebP.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RequestEntityTooLarge("This picture unfolds to too many pixels.") from None
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, EOFError, Warning):
        # What Pillow's decoders raise on damaged data is not narrower than this.
        raise UnprocessableEntity(_BROKEN) from None
