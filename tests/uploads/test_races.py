"""The uploads' writing routes, asked by twelve at once: one wins where one must."""

import base64

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from homeroom.data.database import db
from homeroom.uploads.models import Picture
from tests.conftest import Person
from tests.races import AT_ONCE, race, races
from tests.uploads.conftest import Files, send
from tests.uploads.files import encoded
from tests.uploads.test_storage import only_folder

pytestmark = only_folder
SMALL = encoded("PNG", (20, 20))
PNG = {"content_type": "image/png"}


@races("DELETE /api/uploads/<int:picture_id>")
def test_an_upload_is_taken_back_once(app: APIFlask, ada: Person, files: Files) -> None:
    path = f"/api/uploads/{send(ada, SMALL).json['id']}"
    assert race(app, ada, lambda client, _: client.delete(path)) == {200: 1, 404: AT_ONCE - 1}
    assert files.names() == []


@races("PUT /api/id/picture", "PUT /api/id/pfp", "POST /api/uploads/")
@pytest.mark.parametrize("way", ["a file", "base64", "an upload"])
def test_twelve_portraits_at_once_leave_one(app: APIFlask, ada: Person, files: Files, way: str) -> None:
    text = base64.b64encode(SMALL).decode()
    uploads = [send(ada, SMALL).json["id"] for _ in range(AT_ONCE)] if way == "an upload" else []

    def put(client, number: int):
        if way == "a file":
            return client.put("/api/id/picture", data=SMALL, **PNG)
        if way == "base64":
            return client.put("/api/id/pfp", json={"pfp": text})
        return client.put("/api/id/picture", json={"picture_id": uploads[number]})

    assert race(app, ada, put) == {200: AT_ONCE}
    with app.app_context():
        assert len(db.session.scalars(select(Picture).where(Picture.attached)).all()) == 1
    assert len(files.names()) == 6


@races("DELETE /api/id/picture", "DELETE /api/id/pfp")
@pytest.mark.parametrize("path", ["/api/id/picture", "/api/id/pfp"])
def test_a_portrait_taken_away_by_twelve_is_gone(app: APIFlask, ada: Person, files: Files, path: str) -> None:
    ada.client.put("/api/id/picture", data=SMALL, **PNG)
    assert race(app, ada, lambda client, _: client.delete(path)) == {200: AT_ONCE}
    assert files.names() == []


def test_a_picture_goes_either_to_the_portrait_or_to_a_project(app: APIFlask, ada: Person) -> None:
    picture = send(ada, SMALL).json["id"]

    def take(client, number: int):
        if number % 2:
            return client.put("/api/id/picture", json={"picture_id": picture})
        return client.post("/api/projects/", json={"title": "T", "pictures": [{"id": picture}]})

    won = race(app, ada, take)
    assert won in ({200: 6, 422: 6}, {201: 1, 422: 5, 409: 6})
