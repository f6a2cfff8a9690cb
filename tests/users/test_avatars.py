"""Avatars: one's own picture as a file, as an upload, and in base64; who sees it, and what is refused."""

import base64
import io
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event, select

from homeroom.auth.models import Role
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.uploads.models import Picture, Purpose
from tests.conftest import MakePerson, Person
from tests.uploads.conftest import form_with, send
from tests.uploads.files import REFUSED, encoded, photograph

MEDIA_TYPES = {"webp": "image/webp", "original": "image/png"}


def put(person: Person, data: bytes):
    """Set the avatar as the lesson's pages do."""
    return person.client.put("/api/id/pfp", json={"pfp": base64.b64encode(data).decode()})


def put_file(person: Person, data: bytes, name: str | None = None):
    body, content_type = form_with(data, name)
    return person.client.put("/api/id/picture", data=body, content_type=content_type)


def files_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "instance" / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_picture_in_base64_is_kept_and_given_back(ada: Person, kind: str, slash: str) -> None:
    assert ada.client.get(f"/api/id/pfp{slash}").status_code == 404
    stored = put(ada, encoded(kind))
    assert stored.status_code == 200
    given = ada.client.get(f"/api/id/pfp{slash}")
    assert given.status_code == 200
    assert given.json == stored.json
    with Image.open(io.BytesIO(base64.b64decode(given.json["pfp"]))) as picture:
        assert picture.size == (128, 128)
    assert ada.client.get("/api/id").json["picture"] is not None


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_file_becomes_the_avatar(ada: Person, slash: str) -> None:
    assert ada.client.get("/api/id").json["picture"] is None
    answer = ada.client.put(f"/api/id/picture{slash}", data=encoded("PNG"), content_type="image/png")
    assert answer.status_code == 200, answer.json
    assert answer.json["id"] == ada.id
    assert answer.json["picture"] == ada.client.get("/api/id").json["picture"]
    for kind, url in answer.json["picture"].items():
        given = ada.client.get(url)
        assert given.status_code == 200
        assert given.content_type == MEDIA_TYPES[kind]
        with Image.open(io.BytesIO(given.data)) as picture:
            assert picture.size == (128, 128)


def test_an_upload_becomes_the_avatar(ada: Person, tmp_path: Path) -> None:
    upload = send(ada, encoded("PNG")).json
    answer = ada.client.put("/api/id/picture", json={"picture_id": upload["id"]})
    assert answer.status_code == 200
    assert answer.json["picture"]["webp"].startswith(f"/api/users/{ada.id}/picture/avatar.webp?v=")
    again = ada.client.put("/api/id/picture", json={"picture_id": upload["id"]})
    assert again.json["picture"] == answer.json["picture"]
    assert ada.client.delete(f"/api/uploads/{upload['id']}").status_code == 409
    assert len(files_in(tmp_path)) == 6


@pytest.mark.parametrize("body", [{}, {"picture_id": "1"}, {"picture_id": 0}, {"picture_id": 1, "x": 1}, []])
def test_what_names_no_upload_is_refused(ada: Person, body: object) -> None:
    assert ada.client.put("/api/id/picture", json=body).status_code == 422


def test_only_ones_own_unused_upload_becomes_the_avatar(
    app: APIFlask, ada: Person, make_person: MakePerson
) -> None:
    eve = make_person("eve")
    upload = send(ada, encoded("PNG")).json
    body = {"picture_id": upload["id"]}
    assert eve.client.put("/api/id/picture", json=body).status_code == 404
    with app.app_context(), write_transaction() as session:
        picture = session.get_one(Picture, upload["id"])
        picture.attached, picture.purpose = True, Purpose.PROJECT
    answer = ada.client.put("/api/id/picture", json=body)
    assert answer.status_code == 409
    assert "project" in answer.json["message"]
    assert ada.client.get("/api/id").json["picture"] is None


def test_a_new_picture_replaces_the_old_one_and_goes_with_its_owner(ada: Person, tmp_path: Path) -> None:
    first = put(ada, encoded("PNG"))
    url = ada.client.get("/api/id").json["picture"]["webp"]
    second = put_file(ada, encoded("PNG", (300, 100)))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json["picture"]["webp"] != url, "browsers keep the old address for ever"
    assert len(files_in(tmp_path)) == 6
    ada.client.delete(f"/api/users/{ada.id}", json={"current_password": ada.password})
    assert files_in(tmp_path) == []


def test_a_picture_is_taken_away(ada: Person, tmp_path: Path) -> None:
    put(ada, encoded("PNG"))
    url = ada.client.get("/api/id").json["picture"]["webp"]
    for _ in range(2):
        answer = ada.client.delete("/api/id/picture")
        assert (answer.status_code, answer.json["picture"]) == (200, None)
    assert ada.client.get(url).status_code == 404
    assert ada.client.get("/api/id/pfp").status_code == 404
    assert files_in(tmp_path) == []


def test_a_picture_is_seen_by_whoever_sees_the_user(
    ada: Person, teacher: Person, make_person: MakePerson, guest: FlaskClient
) -> None:
    put(ada, encoded("PNG"))
    url = ada.client.get("/api/id").json["picture"]["webp"]
    pending = make_person("pending", pending=True)
    assert [person.client.get(url).status_code for person in (ada, teacher, make_person("bob"))] == [200] * 3
    assert pending.client.get(url).status_code == 404
    assert guest.get(url).status_code == 401
    assert pending.client.put("/api/id/picture", data=b"").status_code == 403
    assert guest.put("/api/id/picture", data=b"").status_code == 401
    assert guest.delete("/api/id/picture").status_code == 401


def test_the_address_with_the_version_is_kept_for_ever_and_the_plain_one_is_not(ada: Person) -> None:
    put(ada, encoded("PNG"))
    url = ada.client.get("/api/id").json["picture"]["webp"]
    assert "immutable" in ada.client.get(url).headers["Cache-Control"]
    plain = ada.client.get(url.split("?")[0])
    assert plain.headers["Cache-Control"] == "private, no-cache"
    again = ada.client.get(url.split("?")[0], headers={"If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304
    for rendition in ("card.webp", "page.png"):
        assert ada.client.get(f"/api/users/{ada.id}/picture/{rendition}").status_code == 200
    assert ada.client.get(f"/api/users/{ada.id}/picture/avatar.gif").status_code == 404


def test_a_page_of_users_finds_all_their_pictures_in_one_query(
    app: APIFlask, admin: Person, make_person: MakePerson
) -> None:
    def statements() -> int:
        executed = []

        def note(*arguments: object) -> None:
            executed.append(arguments[2])

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert admin.client.get("/api/users/").status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(executed)

    put(admin, encoded("PNG"))
    few = statements()
    for number in range(10):
        put(make_person(f"u{number}"), encoded("PNG"))
    assert statements() == few
    users = admin.client.get("/api/users/").json
    assert len({user["picture"]["webp"] for user in users}) == 11


def test_the_picture_is_read_only_among_a_users_fields(ada: Person) -> None:
    put(ada, encoded("PNG"))
    shown = ada.client.get("/api/id").json["picture"]
    assert ada.client.put("/api/user", json={"name": "Ada", "picture": shown}).status_code == 200
    refused = ada.client.put("/api/user", json={"picture": {"webp": "x", "original": "y"}})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "#/picture"


def test_the_place_where_it_was_taken_is_not_kept_and_it_stands_upright(ada: Person) -> None:
    data = base64.b64decode(put(ada, photograph()).json["pfp"])
    with Image.open(io.BytesIO(data)) as picture:
        assert dict(picture.getexif()) == {}
        red, _, blue = picture.convert("RGB").getpixel((64, 6))
        assert red > 200 > 60 > blue, "what was left is on top"
    assert b"Secret" not in data


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("way", ["base64", "file"])
def test_what_is_no_good_picture_is_refused_and_nothing_is_kept(
    app: APIFlask, ada: Person, tmp_path: Path, kind: str, way: str
) -> None:
    data, name, status, _ = REFUSED[kind]
    if way == "file":
        answer = put_file(ada, data, name)
    elif name is None and data:
        answer = put(ada, data)
    else:
        return  # base64 has no name
    assert answer.status_code == status, answer.json
    assert answer.content_type == "application/problem+json"
    assert ada.client.get("/api/id").json["picture"] is None
    assert files_in(tmp_path) == []
    with app.app_context():
        assert db.session.scalars(select(Picture)).all() == []


@pytest.mark.parametrize("text", ["data:image/png;base64,AAAA", "not base64!", "AAA", "ä", ""])
def test_what_is_no_base64_is_refused(ada: Person, text: str) -> None:
    answer = ada.client.put("/api/id/pfp", json={"pfp": text})
    assert answer.status_code in (415, 422)
    assert ada.client.get("/api/id/pfp").status_code == 404


def test_a_picture_that_the_storage_lost_is_said_to_be_missing(ada: Person, tmp_path: Path) -> None:
    put(ada, encoded("PNG"))
    for path in files_in(tmp_path):
        path.unlink()
    answer = ada.client.get("/api/id/pfp")
    assert answer.status_code == 404
    assert "Upload it again" in answer.json["message"]


def test_staff_have_pictures_too(make_person: MakePerson) -> None:
    for role in Role:
        assert put(make_person(role.value.lower(), role=role), encoded("JPEG")).status_code == 200
