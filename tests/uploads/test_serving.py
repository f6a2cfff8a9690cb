"""How a picture is sent: kept by browsers, in parts, and never as anything but a picture."""

import io

import pytest
from PIL import Image

from tests.conftest import Person
from tests.uploads.conftest import Files, send
from tests.uploads.files import encoded


@pytest.fixture
def url(ada: Person) -> str:
    return send(ada, encoded("JPEG")).json["urls"]["page"]["original"]


def test_a_picture_may_be_kept_for_ever_and_is_nothing_but_a_picture(ada: Person, url: str) -> None:
    headers = ada.client.get(url).headers
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    number = url.split("/")[3]
    assert headers["Content-Disposition"] == f'inline; filename="picture-{number}-page.jpg"'
    assert headers["Accept-Ranges"] == "bytes"


def test_an_unchanged_picture_is_not_sent_again(ada: Person, url: str) -> None:
    etag = ada.client.get(url).headers["ETag"]
    again = ada.client.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag
    assert ada.client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert ada.client.get(url.replace("page", "card")).headers["ETag"] != etag


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("bytes=0-9", 0, 10), ("bytes=10-", 10, None), ("bytes=-10", -10, None)]
)
def test_a_part_of_a_picture_is_sent(ada: Person, url: str, asked: str, first: int, last: int | None) -> None:
    whole = ada.client.get(url).data
    part = ada.client.get(url, headers={"Range": asked})
    assert part.status_code == 206
    assert part.data == whole[first:last]
    assert part.headers["Content-Range"].endswith(f"/{len(whole)}")
    assert int(part.headers["Content-Length"]) == len(part.data)


def test_a_part_of_another_version_is_the_whole(ada: Person, url: str) -> None:
    part = ada.client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert part.status_code == 200


def test_a_part_behind_the_end_is_refused(ada: Person, url: str) -> None:
    answer = ada.client.get(url, headers={"Range": "bytes=99999999-"})
    assert answer.status_code == 416
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Content-Range"].startswith("bytes */")


def test_head_says_what_get_would_send(ada: Person, url: str) -> None:
    whole, head = ada.client.get(url), ada.client.head(url)
    assert head.data == b""
    assert head.headers["Content-Length"] == str(len(whole.data))
    assert head.headers["ETag"] == whole.headers["ETag"]


def test_a_picture_whose_file_is_lost_is_said_to_be_missing(ada: Person, url: str, files: Files) -> None:
    for name in files.names():
        files.delete(name)
    answer = ada.client.get(url)
    assert answer.status_code == 404
    assert "missing" in answer.json["message"]


def test_what_is_sent_is_the_picture(ada: Person, url: str) -> None:
    with Image.open(io.BytesIO(ada.client.get(url).data)) as picture:
        picture.load()
        assert picture.format == "JPEG"
