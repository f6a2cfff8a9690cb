"""Checking pictures: told by content, decoded whole, and encoded anew without their metadata."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, NoReturn

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from werkzeug.exceptions import (
    RequestEntityTooLarge,
    ServiceUnavailable,
    UnprocessableEntity,
    UnsupportedMediaType,
)

from homeroom.uploads.models import WEBP, PictureType, Rendition


@dataclass(frozen=True)
class Format:
    """A format that is taken: the endings its files have, and how many pixels fit into memory."""

    endings: frozenset[str]
    max_pixels: int


# JPEGs are decoded at a smaller scale, and a photograph of 40 megapixels fits. Pillow keeps four bytes
# for a pixel of the others, twice while it shrinks a transparent one, and four times for WebP, whose
# decoder has canvases of its own. A 4K screen has 8.3 megapixels.
FORMATS = {
    "JPEG": Format(frozenset({"jpg", "jpeg", "jpe", "jfif"}), 40_000_000),
    "PNG": Format(frozenset({"png", "apng"}), 16_000_000),
    "GIF": Format(frozenset({"gif"}), 16_000_000),
    "WEBP": Format(frozenset({"webp"}), 12_500_000),
}
MAX_FRAMES = 300
AVATAR_PIXELS = 128
# The largest width and height; a picture is never enlarged.
BOUNDS = {Rendition.CARD: (480, 1440), Rendition.PAGE: (1600, 4800)}
JPEG_QUALITY, WEBP_QUALITY = 85, 80

DECODER_WAIT_S = 45
DECODER_RETRY_S = 10
# One at a time in each process: decoding takes the memory, and a worker a core is the rule. Always the
# same thread: the C library keeps memory for each thread that ever asked it for some.
_decoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")

_BROKEN = "This picture is damaged; save it again and retry."
_ORIENTATION = 0x0112
_LYING = frozenset({5, 6, 7, 8})
# What browsers and servers run. Bytes of a real picture hold none of these by chance: the shortest has
# five of them. `<svg` alone has four, which one large photograph in a hundred holds.
_ACTIVE = re.compile(
    rb"<(?:script|!doctype|html|svg\s+(?:xmlns|on|width|viewbox)|iframe|body|\?php)|%PDF-1", re.IGNORECASE
)
_SCAN_BYTES, _LONGEST_MARK = 256 * 1024, 16


@dataclass(frozen=True)
class PreparedPicture:
    """A picture ready to be kept: its size on a page, its type, and its files by rendition and ending."""

    width: int
    height: int
    type: PictureType
    files: dict[tuple[Rendition, str], bytes]


def prepare_picture(file: IO[bytes], *, name: str | None, max_bytes: int) -> PreparedPicture:
    """Check an uploaded file and encode its renditions, upright and without metadata.

    `name` is what the sender calls the file: it decides nothing, but may not contradict the content.

    Raises:
        RequestEntityTooLarge: more bytes, pixels or frames than allowed (413).
        UnsupportedMediaType: no JPEG, PNG, GIF or WebP, more than that, or wrongly named (415).
        UnprocessableEntity: it cannot be decoded to its end (422).
        ServiceUnavailable: too many pictures wait already (503).
    """
    if file.seek(0, io.SEEK_END) > max_bytes:
        raise RequestEntityTooLarge(f"A picture has at most {max_bytes // 1024} KiB.")
    prepared = _decoder.submit(_prepare, file, name)
    try:
        return prepared.result(timeout=DECODER_WAIT_S)
    except TimeoutError:
        if not prepared.cancel():
            # It has begun, and reads the file.
            return prepared.result()
        raise ServiceUnavailable(
            "Too many pictures come in at the moment; try again shortly.", retry_after=DECODER_RETRY_S
        ) from None


def _prepare(file: IO[bytes], name: str | None) -> PreparedPicture:
    file.seek(0)
    with _damage_is_unprocessable():
        image = Image.open(file, formats=list(FORMATS))
        picture_format = "JPEG" if image.format == "MPO" else str(image.format)
        _refuse_wrong_name(name, picture_format)
        _refuse_too_large(image, FORMATS[picture_format])
        _refuse_polyglot(file)
        page = _decode(image)
        is_photograph = picture_format in ("JPEG", "WEBP") and page.mode == "RGB"
        return _encode(page, PictureType.JPEG if is_photograph else PictureType.PNG)


@contextmanager
def _damage_is_unprocessable() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError:
        raise UnsupportedMediaType("Pictures are JPEG, PNG, GIF or WebP.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RequestEntityTooLarge("This picture unfolds to too many pixels.") from None
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError):
        _refuse_damaged()
    except (struct.error, zlib.error):
        _refuse_damaged()


def _refuse_damaged() -> NoReturn:
    # What Pillow's decoders raise on damaged data is not narrower than what is listed above.
    raise UnprocessableEntity(_BROKEN) from None


def _refuse_wrong_name(name: str | None, picture_format: str) -> None:
    ending = PurePath(name or "").suffix.lstrip(".").lower()
    if ending and ending not in FORMATS[picture_format].endings:
        raise UnsupportedMediaType(
            f"The file is named .{ending[:20]}, but holds a {picture_format} picture; rename it."
        )


def _refuse_too_large(image: Image.Image, picture_format: Format) -> None:
    if image.width * image.height > picture_format.max_pixels:
        raise RequestEntityTooLarge(
            f"This picture has {image.width} × {image.height} pixels; "
            f"of its kind at most {picture_format.max_pixels / 10**6:g} megapixels are taken."
        )
    if getattr(image, "n_frames", 1) > MAX_FRAMES:
        raise RequestEntityTooLarge(f"An animation has at most {MAX_FRAMES} frames.")


def _refuse_polyglot(file: IO[bytes]) -> None:
    """Refuse a picture that is a web page, a script, a PDF or an archive as well.

    Encoding anew would drop all that, but nobody makes such a file by mistake. The decoder's place in the
    file is kept.
    """
    place = file.tell()
    if zipfile.is_zipfile(file) or _has_active_content(file):
        raise UnsupportedMediaType(
            "This file is more than a picture: it holds a page, a script or an archive."
        )
    file.seek(place)


def _has_active_content(file: IO[bytes]) -> bool:
    file.seek(0)
    tail = b""
    while chunk := file.read(_SCAN_BYTES):
        if _ACTIVE.search(tail + chunk):
            return True
        tail = chunk[-_LONGEST_MARK:]
    return False


def _decode(image: Image.Image) -> Image.Image:
    """The first frame, decoded to its last byte, as large as a page needs it, upright, in sRGB."""
    width, height = BOUNDS[Rendition.PAGE]
    # JPEGs are decoded at the smallest scale that is large enough.
    image.draft("RGB", (width, width))
    image.load()
    if image.mode.startswith(("I", "F")):
        # Sixteen bits of grey; Pillow would cut off the brighter ones.
        image = image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    elif image.mode in ("P", "PA", "LA", "1", "RGBX"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    lying = image.getexif().get(_ORIENTATION) in _LYING
    image.thumbnail((height, width) if lying else (width, height), reducing_gap=2.0)
    return _plain(_to_srgb(ImageOps.exif_transpose(image)))


def _to_srgb(image: Image.Image) -> Image.Image:
    """The colours that browsers show without a profile; phones' and printers' pictures carry one."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        converted = ImageCms.profileToProfile(
            image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A damaged profile, or one of another colour model: the numbers as they are.
        return image
    return converted or image


def _plain(image: Image.Image) -> Image.Image:
    mode = "RGBA" if image.has_transparency_data else "RGB"
    # Another copy of a page is megabytes.
    image = image if image.mode == mode else image.convert(mode)
    # A JPEG's comment and a PNG's texts travel in `info` and would be written again.
    image.info.clear()
    return image


def _encode(page: Image.Image, picture_type: PictureType) -> PreparedPicture:
    card = page.copy()
    card.thumbnail(BOUNDS[Rendition.CARD], reducing_gap=2.0)
    avatar = ImageOps.fit(page, (min(AVATAR_PIXELS, *page.size),) * 2)
    files = {}
    for rendition, image in ((Rendition.PAGE, page), (Rendition.CARD, card), (Rendition.AVATAR, avatar)):
        files[rendition, WEBP] = _saved(image, "WEBP", quality=WEBP_QUALITY, method=4)
        if picture_type is PictureType.JPEG:
            files[rendition, "jpg"] = _saved(image, "JPEG", quality=JPEG_QUALITY, progressive=True)
        else:
            files[rendition, "png"] = _saved(image, "PNG")
    return PreparedPicture(page.width, page.height, picture_type, files)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
