"""Checking pictures: told by content, decoded whole, and encoded anew without their metadata.

This runs in the decoder's process, and so needs Pillow alone.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NoReturn

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from homeroom.uploads import heic
from homeroom.uploads.encoding import BOUNDS, PreparedPicture, encode
from homeroom.uploads.jpeg import StrangeJpegError, jpeg_cost
from homeroom.uploads.renditions import PictureType, Rendition


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
# Of one pixel's width, sixteen million rows have a pointer each. Long screenshots have ten thousand.
MAX_SIDE = 20_000
MAX_FRAMES = 300
# A progressive JPEG is gone over once for each scan, however little is in it. Encoders make ten, or 24 for
# printers' colours.
MAX_SCANS = 30
# What a progressive JPEG of 40 megapixels has in the usual colours (4:2:0), and one of 24 in the best.
MAX_COEFFICIENT_BYTES = 150_000_000

_ORIENTATION = 0x0112
_LYING = frozenset({5, 6, 7, 8})
# What browsers and servers run. Bytes of a real picture hold none of these by chance: the shortest has
# five of them. `<svg` alone has four, which one large photograph in a hundred holds.
_ACTIVE = re.compile(
    rb"<(?:script|!doctype|html|svg\s+(?:xmlns|on|width|viewbox)|iframe|body|\?php)|%PDF-1", re.IGNORECASE
)
_SCAN_BYTES, _LONGEST_MARK = 256 * 1024, 16


class RefusedPictureError(Exception):
    """A picture is rejected: the HTTP status, and the reason for its sender, as a template and its values."""

    def __init__(self, status: int, template: str, /, **values: object) -> None:
        super().__init__(template)
        self.status, self.template, self.values = status, template, values


def prepare(file: IO[bytes], *, ending: str) -> PreparedPicture:
    """Check an uploaded file and encode its renditions, upright and without metadata.

    `ending` is that of the sender's name for the file: it decides nothing, but may not contradict the
    content.

    Raises:
        RefusedPictureError: more pixels, scans or frames than allowed (413); HEIC, or else no JPEG, PNG, GIF
            or WebP, more than that, or wrongly named (415); it cannot be decoded to its end (422).
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if heic.is_heic(file.read(heic.HEAD_BYTES)):
        raise RefusedPictureError(415, heic.REMEDY)
    file.seek(0)
    with _damage_is_refused():
        image = Image.open(file, formats=list(FORMATS))
        picture_format = "JPEG" if image.format == "MPO" else str(image.format)
        _refuse_wrong_name(ending, picture_format)
        _refuse_too_large(image, FORMATS[picture_format])
        if picture_format == "JPEG":
            _refuse_costly_jpeg(file)
        _refuse_polyglot(file)
        page = _decode(image)
        is_lossy = picture_format == "JPEG" or (picture_format == "WEBP" and not _is_lossless_webp(file))
        is_photograph = picture_format in ("JPEG", "WEBP") and page.mode == "RGB"
        picture_type = PictureType.JPEG if is_photograph else PictureType.PNG
    try:
        return encode(page, picture_type, is_lossy=is_lossy, original_bytes=size)
    except (MemoryError, OSError, ValueError):
        # What is decoded is no longer damaged; encoders report a lack of memory as any of these.
        _refuse_large()


@contextmanager
def _damage_is_refused() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError:
        raise RefusedPictureError(415, "Send a JPEG, PNG, GIF or WebP picture.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RefusedPictureError(413, "This picture has too many pixels.") from None
    except MemoryError:
        _refuse_large()
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError):
        _refuse_damaged()
    except (struct.error, zlib.error):
        _refuse_damaged()


def _refuse_damaged() -> NoReturn:
    # What Pillow's decoders raise on damaged data is not narrower than what is listed above.
    raise RefusedPictureError(422, "This picture is damaged. Save it again and retry.") from None


def _refuse_large() -> NoReturn:
    raise RefusedPictureError(413, "This picture needs too much memory. Save it in a smaller size.") from None


def _refuse_wrong_name(ending: str, picture_format: str) -> None:
    if ending and ending not in FORMATS[picture_format].endings:
        raise RefusedPictureError(
            415,
            "The file name ends with .{ending}, but this is a {format} picture. Rename the file.",
            ending=ending,
            format=picture_format,
        )


def _refuse_too_large(image: Image.Image, picture_format: Format) -> None:
    if image.width * image.height > picture_format.max_pixels:
        raise RefusedPictureError(
            413,
            "This picture has {width} × {height} pixels. "
            "The limit for its format is {megapixels:g} megapixels.",
            width=image.width,
            height=image.height,
            megapixels=picture_format.max_pixels / 10**6,
        )
    if max(image.size) > MAX_SIDE:
        raise RefusedPictureError(
            413, "A picture can be at most {max_side:,} pixels wide and high.", max_side=MAX_SIDE
        )
    if getattr(image, "n_frames", 1) > MAX_FRAMES:
        raise RefusedPictureError(
            413, "An animation can have at most {max_frames} frames.", max_frames=MAX_FRAMES
        )


def _refuse_costly_jpeg(file: IO[bytes]) -> None:
    try:
        cost = jpeg_cost(file)
    except StrangeJpegError:
        _refuse_damaged()
    if cost.scans > MAX_SCANS:
        raise RefusedPictureError(
            413,
            "This JPEG has {scans} scans; the limit is {max_scans}. Save it again.",
            scans=cost.scans,
            max_scans=MAX_SCANS,
        )
    if cost.coefficient_bytes > MAX_COEFFICIENT_BYTES:
        raise RefusedPictureError(
            413,
            "This progressive JPEG needs too much memory. Save it without “progressive”, or smaller.",
        )


def _is_lossless_webp(file: IO[bytes]) -> bool:
    """Whether a WebP has a lossless frame: https://developers.google.com/speed/webp/docs/riff_container"""
    file.seek(0)
    return b"VP8L" in file.read(_SCAN_BYTES)


def _refuse_polyglot(file: IO[bytes]) -> None:
    """Refuse a picture that is a web page, a script, a PDF or an archive as well.

    Encoding anew would drop all that, but nobody makes such a file by mistake. The decoder's place in the
    file is kept.
    """
    place = file.tell()
    if zipfile.is_zipfile(file) or _has_active_content(file):
        raise RefusedPictureError(
            415, "This file is more than a picture: it contains a page, a script or an archive."
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
