"""Uploading through HTTP: what is taken and kept, and everything that is refused and leaves nothing."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select

from homeroom.auth.limits import count_attempt
from homeroom.auth.models import Role, User
from homeroom.data.database import db
from homeroom.data.errors import Unavailable
from homeroom.data.transactions import write_transaction
from homeroom.uploads import decoding, patience, receiving
from homeroom.uploads.models import Picture
from homeroom.uploads.receiving import UPLOADS
from tests.conftest import MakeApp, MakePerson, Person
from tests.races import race
from tests.uploads.conftest import Files, form_with, send
from tests.uploads.files import REFUSED, animation, encoded, photograph, with_texts

PNG = {"content_type": "image/png"}
SIZES = {"avatar": (128, 128), "card": (480, 360), "page": (1600, 1200)}
MEDIA_TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}


def count_pictures(app: APIFlask) -> int:
    with app.app_context():
        return db.session.scalars(select(func.count(Picture.id))).one()


@pytest.mark.parametrize(
    ("kind", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("GIF", "png"), ("WEBP", "jpg")]
)
def test_a_picture_is_kept_in_three_sizes_and_two_formats(
    ada: Person, files: Files, kind: str, suffix: str
) -> None:
    answer = send(ada, encoded(kind, (2000, 1500)), f"My holiday.{kind.lower()}")
    assert answer.status_code == 201, answer.json
    upload = answer.json
    assert (upload["width"], upload["height"]) == (1600, 1200)
    total = 0
    for rendition, size in SIZES.items():
        for key, extension in (("webp", "webp"), ("original", suffix)):
            url = upload["urls"][rendition][key]
            assert url == f"/api/uploads/{upload['id']}/{rendition}.{extension}"
            given = ada.client.get(url)
            assert given.status_code == 200
            assert given.content_type == MEDIA_TYPES[extension]
            total += len(given.data)
            with Image.open(io.BytesIO(given.data)) as picture:
                assert picture.size == size
    assert upload["bytes"] == total
    assert len(files.names()) == 6
    assert all(name.startswith("pictures/") for name in files.names())


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_picture_may_be_the_body_itself(ada: Person, slash: str) -> None:
    answer = ada.client.post(f"/api/uploads{slash}", data=encoded("PNG"), content_type="image/png")
    assert answer.status_code == 201
    url = answer.json["urls"]["card"]["webp"]
    assert ada.client.get(url + slash).status_code == 200
    assert ada.client.delete(f"/api/uploads/{answer.json['id']}{slash}").status_code == 200
    assert ada.client.get(url).status_code == 404


def test_a_small_picture_is_not_enlarged(ada: Person) -> None:
    upload = send(ada, encoded("PNG", (60, 40))).json
    assert (upload["width"], upload["height"]) == (60, 40)
    for rendition, size in {"avatar": (40, 40), "card": (60, 40), "page": (60, 40)}.items():
        given = ada.client.get(upload["urls"][rendition]["webp"])
        with Image.open(io.BytesIO(given.data)) as picture:
            assert picture.size == size


@pytest.mark.parametrize("size", [(1, 1), (1, 9000), (9000, 1)])
def test_pictures_of_odd_shapes_are_kept(ada: Person, size: tuple[int, int]) -> None:
    assert send(ada, encoded("PNG", size)).status_code == 201


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_pngs_of_every_mode_are_kept(ada: Person, mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (300, 200), 1 if mode == "1" else None).save(buffer, "PNG")
    assert send(ada, buffer.getvalue()).status_code == 201


def test_sixteen_bits_of_grey_are_not_cut_off(ada: Person) -> None:
    buffer = io.BytesIO()
    Image.new("I;16", (100, 100), 128 * 256).save(buffer, "PNG")
    upload = send(ada, buffer.getvalue()).json
    with Image.open(io.BytesIO(ada.client.get(upload["urls"]["page"]["original"]).data)) as picture:
        assert picture.convert("L").getpixel((50, 50)) == 128


def test_transparency_is_kept(ada: Person) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 200), (255, 0, 0, 0)).save(buffer, "WEBP")
    upload = send(ada, buffer.getvalue()).json
    assert upload["urls"]["page"]["original"].endswith(".png")
    for url in upload["urls"]["page"].values():
        with Image.open(io.BytesIO(ada.client.get(url).data)) as picture:
            assert picture.convert("RGBA").getpixel((100, 100))[3] == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_kept(ada: Person, kind: str) -> None:
    upload = send(ada, animation(20, kind)).json
    with Image.open(io.BytesIO(ada.client.get(upload["urls"]["page"]["webp"]).data)) as picture:
        assert getattr(picture, "n_frames", 1) == 1


def test_printers_colours_become_those_of_screens(ada: Person) -> None:
    upload = send(ada, encoded("JPEG", mode="CMYK")).json
    with Image.open(io.BytesIO(ada.client.get(upload["urls"]["page"]["original"]).data)) as picture:
        assert picture.mode == "RGB"


@pytest.mark.parametrize("make", [photograph, with_texts])
def test_neither_the_place_nor_the_phone_is_kept(ada: Person, make) -> None:
    original = make()
    assert b"Secret" in original
    upload = send(ada, original).json
    for urls in upload["urls"].values():
        for url in urls.values():
            data = ada.client.get(url).data
            assert b"Secret" not in data
            with Image.open(io.BytesIO(data)) as picture:
                assert dict(picture.getexif()) == {}
                assert not {"icc_profile", "comment", "exif", "xmp", "Comment"} & picture.info.keys()


def test_a_picture_that_lies_on_its_side_stands_upright(ada: Person) -> None:
    upload = send(ada, photograph()).json
    assert (upload["width"], upload["height"]) == (200, 400)
    with Image.open(io.BytesIO(ada.client.get(upload["urls"]["page"]["webp"]).data)) as picture:
        red, _, blue = picture.convert("RGB").getpixel((100, 20))
        assert red > 200 > 60 > blue, "what was left is on top"


@pytest.mark.parametrize("in_a_form", [True, False], ids=["form", "body"])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_good_picture_is_refused_with_the_reason_and_leaves_nothing(
    app: APIFlask, ada: Person, files: Files, kind: str, in_a_form: bool
) -> None:
    data, name, status, reason = REFUSED[kind]
    if in_a_form:
        answer = send(ada, data, name)
    elif name is None:
        answer = ada.client.post("/api/uploads/", data=data, content_type="image/png")
    else:
        return  # a body has no name
    assert answer.status_code == status, answer.json
    assert answer.content_type == "application/problem+json"
    assert reason in answer.json["message"]
    assert files.names() == []
    assert count_pictures(app) == 0


@pytest.mark.parametrize(
    ("kwargs", "status"),
    [
        ({"data": b"x", "content_type": "text/html"}, 415),
        ({"data": b"x", "content_type": "image/svg+xml"}, 415),
        ({"data": b"x"}, 415),
        ({"json": {"file": "x"}}, 415),
        ({"data": form_with(b"x", field="picture")[0], "content_type": "multipart/form-data"}, 422),
        (dict(zip(("data", "content_type"), form_with(b"x", field="picture"), strict=True)), 422),
        ({"data": {"file": "no file"}, "content_type": "multipart/form-data"}, 422),
    ],
)
def test_a_request_without_a_picture_is_refused(ada: Person, kwargs: dict, status: int) -> None:
    answer = ada.client.post("/api/uploads/", **kwargs)
    assert answer.status_code == status, answer.json


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "IMG_0001.jpg", None])
@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_heic_is_refused_with_a_way_on(ada: Person, files: Files, name: str | None, brand: bytes) -> None:
    data = b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x00\x00mif1heic" + bytes(5000)
    if name is None:
        answer = ada.client.post("/api/uploads/", data=data, content_type="image/heic")
    else:
        answer = send(ada, data, name)
    assert answer.status_code == 415
    assert "HEIC" in answer.json["detail"]
    assert "Most Compatible" in answer.json["detail"]
    assert files.names() == []


def test_guests_and_pending_accounts_may_not_send_pictures(
    guest: FlaskClient, make_person: MakePerson
) -> None:
    assert guest.post("/api/uploads/", data=encoded("PNG"), content_type="image/png").status_code == 401
    pending = make_person("pending", pending=True)
    answer = send(pending, encoded("PNG"))
    assert answer.status_code == 403
    assert "waiting for approval" in answer.json["message"]


def test_an_upload_is_shown_to_its_owner_only(
    ada: Person, admin: Person, teacher: Person, make_person: MakePerson, guest: FlaskClient
) -> None:
    upload = send(ada, encoded("PNG")).json
    url = upload["urls"]["card"]["webp"]
    draft = ada.client.post("/api/projects/", json={"title": "T", "pictures": [{"id": upload["id"]}]}).json
    others = (admin.client, teacher.client, make_person("eve").client)
    for address in (url, draft["pictures"][0]["urls"]["card"]["webp"]):
        assert ada.client.get(address).status_code == 200
        assert [client.get(address).status_code for client in others] == [404] * 3
    ada.client.patch(f"/api/projects/{draft['id']}", json={"pictures": []})
    upload = send(ada, encoded("PNG")).json
    url = upload["urls"]["card"]["webp"]
    assert guest.get(url).status_code == 401
    assert [client.delete(f"/api/uploads/{upload['id']}").status_code for client in others] == [404] * 3
    assert guest.delete(f"/api/uploads/{upload['id']}").status_code == 401
    assert ada.client.get(url).status_code == 200


@pytest.mark.parametrize(
    "tail", ["card.jpg", "card.svg", "huge.webp", "..%2Fcard.webp", "card", "card.webp.png"]
)
def test_what_is_no_rendition_is_not_found(ada: Person, tail: str) -> None:
    upload = send(ada, encoded("PNG")).json
    answer = ada.client.get(f"/api/uploads/{upload['id']}/{tail}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_deleted_upload_leaves_no_file(ada: Person, files: Files) -> None:
    upload = send(ada, encoded("PNG")).json
    kept = send(ada, encoded("PNG")).json
    assert ada.client.delete(f"/api/uploads/{upload['id']}").status_code == 200
    assert len(files.names()) == 6, "the same picture, sent twice, is two pictures"
    assert ada.client.get(kept["urls"]["card"]["webp"]).status_code == 200
    assert ada.client.delete(f"/api/uploads/{upload['id']}").status_code == 404


def test_a_picture_in_use_is_not_deleted(app: APIFlask, ada: Person, files: Files) -> None:
    upload = send(ada, encoded("PNG")).json
    with app.app_context(), write_transaction() as session:
        session.get_one(Picture, upload["id"]).attached = True
    assert ada.client.delete(f"/api/uploads/{upload['id']}").status_code == 409
    assert len(files.names()) == 6


def test_pictures_go_with_their_owner(app: APIFlask, ada: Person, admin: Person, files: Files) -> None:
    send(ada, encoded("PNG"))
    send(admin, encoded("PNG"))
    assert admin.client.delete(f"/api/users/{ada.id}").status_code == 200
    assert count_pictures(app) == 1
    assert len(files.names()) == 6


def test_nobody_may_have_more_pictures_than_the_setting_says(
    make_app: MakeApp, make_person: MakePerson
) -> None:
    app = make_app(max_pictures_per_user=2)
    ada = make_person("ada", of=app)
    uploads = [send(ada, encoded("PNG")) for _ in range(3)]
    assert [answer.status_code for answer in uploads] == [201, 201, 403]
    assert "Delete some" in uploads[2].json["message"]
    assert send(make_person("eve", of=app), encoded("PNG")).status_code == 201
    ada.client.delete(f"/api/uploads/{uploads[0].json['id']}")
    assert send(ada, encoded("PNG")).status_code == 201


def test_nobodys_pictures_take_more_than_the_setting_says(
    make_app: MakeApp, make_person: MakePerson, files: Files
) -> None:
    size = send(make_person("size"), encoded("PNG")).json["bytes"]
    kept = len(files.names())
    app = make_app(max_bytes_per_user=2 * size + size // 2)
    ada = make_person("ada", of=app)
    uploads = [send(ada, encoded("PNG")) for _ in range(3)]
    assert [answer.status_code for answer in uploads] == [201, 201, 403]
    assert "Delete some" in uploads[2].json["message"]
    assert len(files.names()) == kept + 12, "what has no room leaves nothing"
    usage = {"pictures": 2, "max_pictures": 200, "bytes": 2 * size, "max_bytes": 2 * size + size // 2}
    assert ada.client.get("/api/uploads/usage").json == usage
    assert send(make_person("eve", of=app), encoded("PNG")).status_code == 201
    ada.client.delete(f"/api/uploads/{uploads[0].json['id']}")
    assert send(ada, encoded("PNG")).status_code == 201
    assert app.test_client().get("/api/uploads/usage").status_code == 401


def test_all_pictures_take_no_more_than_the_setting_says(make_app: MakeApp, make_person: MakePerson) -> None:
    size = send(make_person("size"), encoded("PNG")).json["bytes"]
    app = make_app(max_bytes_of_class=2 * size + size // 2)
    assert send(make_person("ada", of=app), encoded("PNG")).status_code == 201
    refused = send(make_person("eve", of=app), encoded("PNG"))
    assert refused.status_code == 403
    assert "ask whoever runs the class site" in refused.json["message"]
    teacher = make_person("teacher", role=Role.TEACHER, of=app)
    seen = teacher.client.get("/api/overview").json
    assert (seen["storage_bytes"], seen["max_storage_bytes"]) == (2 * size, 2 * size + size // 2)


def test_the_size_is_a_setting(make_app: MakeApp, make_person: MakePerson) -> None:
    app = make_app(max_upload_bytes=2048)
    ada = make_person("ada", of=app)
    assert send(ada, encoded("PNG", (20, 20))).status_code == 201
    answer = send(ada, encoded("BMP"))
    assert answer.status_code == 413
    assert "2 KiB" in answer.json["message"]


def test_very_many_pictures_in_an_hour_are_too_many(app: APIFlask, ada: Person) -> None:
    with app.app_context():
        for _ in range(UPLOADS.most):
            count_attempt(UPLOADS, str(ada.id))
    answer = send(ada, encoded("PNG"))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_twenty_four_pictures_at_once_by_pages_that_do_not_retry_are_all_kept(
    app: APIFlask, ada: Person, files: Files
) -> None:
    picture = encoded("PNG", (60, 40))
    kept = race(app, ada, lambda client, _: client.post("/api/uploads/", data=picture, **PNG), count=24)
    assert kept == {201: 24}
    assert len(files.names()) == 24 * 6


def test_when_too_many_wait_the_rest_is_asked_to_come_again_and_it_does_not_count(
    app: APIFlask, ada: Person, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        for _ in range(UPLOADS.most - 1):
            count_attempt(UPLOADS, str(ada.id))
    with ExitStack() as places, monkeypatch.context() as impatient:
        impatient.setattr(patience, "WAIT_S", 0.0)
        for _ in range(receiving.UPLOADS_AT_ONCE):
            places.enter_context(receiving._places.place(0, wait_s=0, called_off=lambda: False))
        for _ in range(3):
            answer = send(ada, encoded("PNG"))
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
    assert files.names() == []
    assert [send(ada, encoded("PNG")).status_code for _ in range(2)] == [201, 429]


def test_what_a_picture_waited_for_a_place_it_does_not_wait_again_for_its_turn(
    app: APIFlask, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []

    def note(*_: Any) -> tuple[int, bytes]:
        left.append(patience.wait_left())
        raise Unavailable("busy")

    monkeypatch.setattr(decoding, "_run", note)
    with ThreadPoolExecutor(1) as pool, ExitStack() as places:
        for _ in range(receiving.UPLOADS_AT_ONCE):
            places.enter_context(receiving._places.place(0, wait_s=0, called_off=lambda: False))
        answer = pool.submit(send, ada, encoded("PNG"))
        time.sleep(1)
        places.close()
        assert answer.result().status_code == 503
    assert 0 < left[0] < patience.WAIT_S - 0.5


def test_an_account_deleted_while_its_picture_comes_in_leaves_no_file(
    app: APIFlask, ada: Person, files: Files
) -> None:
    """The body is read after the guard has let it in; the account goes in between."""

    class Body(io.BytesIO):
        def readinto(self, buffer: bytearray) -> int:
            if self.tell() == 0:
                with app.app_context(), write_transaction() as session:
                    session.delete(session.get_one(User, ada.id))
            return super().readinto(buffer)

    data = encoded("PNG")
    answer = ada.client.post(
        "/api/uploads/", input_stream=Body(data), content_length=len(data), content_type="image/png"
    )
    assert answer.status_code == 409, answer.json
    assert files.names() == []
    assert count_pictures(app) == 0


def test_ten_uploads_of_one_person_at_once_are_all_kept_or_counted(
    make_app: MakeApp, make_person: MakePerson
) -> None:
    app = make_app(max_pictures_per_user=4)
    ada = make_person("ada", of=app)
    cookie = ada.client.get_cookie("jwt").value
    statuses = []

    def upload() -> None:
        client = app.test_client()
        client.set_cookie("jwt", cookie)
        statuses.append(client.post("/api/uploads/", data=encoded("PNG"), **PNG).status_code)

    threads = [threading.Thread(target=upload) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 4 + [403] * 6
    assert len(Files(app).names()) == 24


def test_a_role_makes_no_difference_to_what_is_taken(make_person: MakePerson) -> None:
    for role in Role:
        assert send(make_person(role.value.lower(), role=role), encoded("JPEG")).status_code == 201
