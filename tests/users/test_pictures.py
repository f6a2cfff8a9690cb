"""One's own picture: what is taken, what comes back, and every kind that is refused."""

import base64
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Person


def encoded(kind: str, size: tuple[int, int] = (640, 480), mode: str = "RGB", **save: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, "tomato").save(buffer, kind, **save)
    return buffer.getvalue()


def put(person: Person, data: bytes):
    return person.client.put("/api/id/pfp", json={"pfp": base64.b64encode(data).decode()})


def pictures_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "instance" / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_picture_is_kept_and_given_back(ada: Person, kind: str, slash: str) -> None:
    assert ada.client.get(f"/api/id/pfp{slash}").status_code == 404
    stored = put(ada, encoded(kind))
    assert stored.status_code == 200
    given = ada.client.get(f"/api/id/pfp{slash}")
    assert given.status_code == 200
    assert given.json == stored.json
    with Image.open(io.BytesIO(base64.b64decode(given.json["pfp"]))) as picture:
        assert picture.size == (480, 480)


def test_a_new_picture_replaces_the_old_one_and_goes_with_its_owner(ada: Person, tmp_path: Path) -> None:
    put(ada, encoded("PNG"))
    put(ada, encoded("PNG", mode="L"))
    assert len(pictures_in(tmp_path)) == 1
    ada.client.delete(f"/api/users/{ada.id}")
    assert pictures_in(tmp_path) == []


def test_the_place_where_it_was_taken_is_not_kept_and_it_stands_upright(ada: Person) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[2] = (37.0, 46.0, 30.0)  # GPS latitude
    left_red = Image.new("RGB", (400, 200), "blue")
    left_red.paste("red", (0, 0, 200, 200))
    buffer = io.BytesIO()
    left_red.save(buffer, "JPEG", exif=exif, comment=b"secret")
    assert b"secret" in buffer.getvalue()

    data = base64.b64decode(put(ada, buffer.getvalue()).json["pfp"])
    with Image.open(io.BytesIO(data)) as picture:
        assert dict(picture.getexif()) == {}
        red, _, blue = picture.convert("RGB").getpixel((100, 10))
        assert red > 200 > 60 > blue, "what was left is on top"
    assert b"secret" not in data


def bomb() -> bytes:
    """A PNG of a kilobyte that claims to be a hundred megapixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


REFUSED = {
    "a web page": (b"<!doctype html><script>alert(1)</script>", 415),
    "an SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
    "a script behind a GIF's first bytes": (b"GIF89a<script>alert(1)</script>" + b" " * 40, 415),
    "a PDF": (b"%PDF-1.7\n", 415),
    "a TIFF": (encoded("TIFF"), 415),
    "a BMP": (encoded("BMP"), 415),
    "a truncated JPEG": (encoded("JPEG")[:-200], 422),
    "a truncated PNG": (encoded("PNG")[:-40], 422),
    "a truncated WebP": (encoded("WEBP")[:-40], 422),
    "a bomb": (bomb(), 413),
    "too many bytes": (b"\xff\xd8\xff" + b"a" * (5 * 1024 * 1024), 413),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_good_picture_is_refused_and_nothing_is_kept(
    ada: Person, tmp_path: Path, kind: str
) -> None:
    data, status = REFUSED[kind]
    answer = put(ada, data)
    assert answer.status_code == status, answer.json
    assert answer.content_type == "application/problem+json"
    assert ada.client.get("/api/id/pfp").status_code == 404
    assert pictures_in(tmp_path) == []


@pytest.mark.parametrize("text", ["data:image/png;base64,AAAA", "not base64!", "AAA", "ä", ""])
def test_what_is_no_base64_is_refused(ada: Person, text: str) -> None:
    answer = ada.client.put("/api/id/pfp", json={"pfp": text})
    assert answer.status_code in (415, 422)
    assert ada.client.get("/api/id/pfp").status_code == 404


def test_a_picture_that_the_storage_lost_is_said_to_be_missing(ada: Person, tmp_path: Path) -> None:
    put(ada, encoded("PNG"))
    for path in pictures_in(tmp_path):
        path.unlink()
    answer = ada.client.get("/api/id/pfp")
    assert answer.status_code == 404
    assert "send it again" in answer.json["message"]
