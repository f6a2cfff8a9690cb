"""Real files, made anew for each test: pictures of every kind, and what only looks like one."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

from PIL import Image, ImageCms, PngImagePlugin


def encoded(kind: str, size: tuple[int, int] = (640, 480), mode: str = "RGB", **save: object) -> bytes:
    buffer = io.BytesIO()
    gradient = Image.linear_gradient("L").resize(size).convert(mode)
    gradient.save(buffer, kind, **save)
    return buffer.getvalue()


def noise() -> bytes:
    """A PNG of some megabytes: too large to be kept in memory while it comes in."""
    buffer = io.BytesIO()
    Image.effect_noise((2000, 2000), 100).save(buffer, "PNG")
    return buffer.getvalue()


def photograph() -> bytes:
    """A JPEG as a phone writes it: on its side, with the place it was taken, a comment and a profile."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[2] = (37.0, 46.0, 30.0)
    left_red = Image.new("RGB", (400, 200), "blue")
    left_red.paste("red", (0, 0, 200, 200))
    buffer = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    left_red.save(buffer, "JPEG", exif=exif, comment=b"SecretComment", icc_profile=profile)
    return buffer.getvalue()


def with_texts() -> bytes:
    """A PNG with a text chunk."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "SecretComment")
    return encoded("PNG", pnginfo=texts)


def animation(frames: int, kind: str = "GIF", size: tuple[int, int] = (40, 30)) -> bytes:
    pictures = [Image.new("RGB", size, (number % 256, number // 256, 0)) for number in range(frames)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=20)
    return buffer.getvalue()


def bomb(side: int = 10_000) -> bytes:
    """A PNG of a kilobyte that claims to be a hundred megapixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def archive() -> bytes:
    """A picture with a zip behind it: it opens as either."""
    buffer = io.BytesIO(encoded("PNG"))
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr("index.html", "<p>hello</p>")
    return buffer.getvalue()


PAGE = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

# What is refused: the file, its name (or none), the status, and a word of the reason.
REFUSED = {
    "a web page": (PAGE, None, 415, "JPEG, PNG"),
    "a web page called a picture": (PAGE, "cat.png", 415, "JPEG, PNG"),
    "an SVG": (SVG, "cat.svg", 415, "JPEG, PNG"),
    "a script behind a GIF's first bytes": (b"GIF89a" + PAGE + b" " * 40, None, 415, "JPEG, PNG"),
    "a PDF": (b"%PDF-1.7\n", None, 415, "JPEG, PNG"),
    "a TIFF": (encoded("TIFF"), None, 415, "JPEG, PNG"),
    "a BMP": (encoded("BMP"), None, 415, "JPEG, PNG"),
    "nothing": (b"", None, 415, "JPEG, PNG"),
    "a picture called a web page": (encoded("PNG"), "cat.html", 415, "ends with .html"),
    "a PNG called a JPEG": (encoded("PNG"), "cat.jpg", 415, "ends with .jpg"),
    "a JPEG with a page behind it": (encoded("JPEG") + PAGE, None, 415, "more than a picture"),
    "a JPEG with a script in its comment": (encoded("JPEG", comment=SVG), None, 415, "more than a picture"),
    "a GIF with PHP behind it": (encoded("GIF") + b"<?php phpinfo();", None, 415, "more than a picture"),
    "a picture with an archive behind it": (archive(), None, 415, "more than a picture"),
    "a truncated JPEG": (encoded("JPEG")[:-200], None, 422, "damaged"),
    "a truncated PNG": (encoded("PNG")[:-40], None, 422, "damaged"),
    "a truncated GIF": (encoded("GIF")[:-400], None, 422, "damaged"),
    "a truncated WebP": (encoded("WEBP")[:-40], None, 422, "damaged"),
    "a bomb": (bomb(), None, 413, "pixels"),
    "a bomb that Pillow itself refuses": (bomb(40_000), None, 413, "pixels"),
    "too many pixels": (encoded("PNG", (5000, 4000)), None, 413, "megapixels"),
    "too many frames": (animation(301), None, 413, "frames"),
    "too many bytes": (b"\xff\xd8\xff" + b"a" * (5 * 1024 * 1024), None, 413, "5,120 KiB"),
    "far too many bytes": (b"\xff\xd8\xff" + b"a" * (9 * 1024 * 1024), None, 413, "KiB"),
}


def files_below(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
