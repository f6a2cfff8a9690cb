"""When the storage fails: nothing half-done, a 503 with the remedy, and no secret in the log."""

import errno
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from homeroom.app import create_app
from homeroom.config import ConfigError, load_config
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.uploads import storage as storages
from homeroom.uploads.models import Picture
from homeroom.uploads.storage import LocalStorage, PictureMissingError, current_storage
from tests.conftest import PASSWORD, MakeApp, MakePerson, Person
from tests.races import at_once, statuses
from tests.servers import free_port
from tests.uploads.conftest import SECRET, Files, send
from tests.uploads.files import encoded, noise
from tests.uploads.test_uploads import count_pictures

only_folder = pytest.mark.parametrize("storage_kind", ["folder"], indirect=True)
only_s3 = pytest.mark.parametrize("storage_kind", ["s3"], indirect=True)
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_sqlite
def test_a_file_is_kept_read_listed_and_forgotten(app: APIFlask) -> None:
    with app.app_context():
        storage = current_storage()
        storage.save("pictures/1-a/card.webp", b"one")
        assert storage.read("pictures/1-a/card.webp") == b"one"
        assert [(file.name, file.size_bytes) for file in storage.files()] == [("pictures/1-a/card.webp", 3)]
        storage.delete("pictures/1-a/card.webp")
        storage.delete("pictures/1-a/card.webp")
        assert list(storage.files()) == []
        with pytest.raises(PictureMissingError):
            storage.read("pictures/1-a/card.webp")


@only_folder
@only_sqlite
def test_a_folder_of_pictures_is_its_owners_alone(ada: Person, tmp_path: Path) -> None:
    send(ada, encoded("PNG"))
    paths = list((tmp_path / "instance" / "uploads").rglob("*"))
    assert len(paths) == 9
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@only_folder
def test_a_file_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Observed at the operating system's own calls: content, then name, then the folders' entries."""
    calls = []
    storage = LocalStorage(tmp_path / "uploads")
    sync, rename = os.fsync, os.replace

    def note_sync(descriptor: int) -> None:
        calls.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    def note_rename(source: str, target: str) -> None:
        calls.append(("rename", Path(target)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    storage.save("pictures/1-a/card.webp", b"x")
    folder = tmp_path / "uploads"
    assert [(what, path.relative_to(folder).parts[:1]) for what, path in calls] == [
        ("sync", ()),
        ("sync", ("pictures",)),
        ("sync", ("incoming",)),
        ("rename", ("pictures",)),
        ("sync", ("pictures",)),
    ]
    assert calls[-1] == ("sync", folder / "pictures" / "1-a")


@only_folder
def test_a_full_disk_is_a_503_and_leaves_nothing(
    app: APIFlask, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def fail(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 7:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        answer = send(ada, encoded("PNG"))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk is full" in answer.json["detail"]
    assert [path for path in (tmp_path / "instance" / "uploads").rglob("*") if path.is_file()] == []
    assert count_pictures(app) == 0
    assert send(ada, encoded("PNG")).status_code == 201


def send_as_body(person: Person, data: bytes) -> TestResponse:
    return person.client.post("/api/uploads/", data=data, content_type="image/png")


@only_folder
@only_sqlite
@pytest.mark.parametrize("send_picture", [send, send_as_body])
def test_a_large_picture_comes_in_beside_the_data(
    send_picture: Callable[..., TestResponse], ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no such folder"))
    assert send_picture(ada, noise()).status_code == 201


@only_s3
@only_sqlite
@pytest.mark.parametrize("send_picture", [send, send_as_body])
def test_a_large_picture_comes_in_where_all_data_is_elsewhere(
    send_picture: Callable[..., TestResponse], ada: Person, tmp_path: Path
) -> None:
    assert not (tmp_path / "instance").exists()
    assert send_picture(ada, noise()).status_code == 201
    exported = ada.client.get("/api/id/export", buffered=True)
    exported.close()
    assert exported.status_code == 200


@only_folder
@only_sqlite
@pytest.mark.parametrize("send_picture", [send, send_as_body])
def test_a_disk_that_is_full_while_a_picture_comes_in_is_a_503(
    send_picture: Callable[..., TestResponse], app: APIFlask, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "r+b", buffering=0))  # noqa: PTH123, SIM115  the spool closes it
        answer = send_picture(ada, noise())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk is full" in answer.json["detail"]
    assert count_pictures(app) == 0
    assert send_picture(ada, noise()).status_code == 201


@only_s3
@only_sqlite
def test_a_wrong_key_is_refused_by_the_server_and_told_without_it(
    make_app: MakeApp,
    make_person: MakePerson,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" + SECRET)
    app = make_app(log_level="DEBUG")
    answer = send(make_person("ada", of=app), encoded("PNG"))
    assert answer.status_code == 503
    assert count_pictures(app) == 0
    out, err = capfd.readouterr()
    assert "storage of pictures fails" in out + err
    for secret in (SECRET, "homeroom-test", "X-Amz", "Signature"):
        assert secret not in out + err + answer.get_data(as_text=True)


@only_s3
@only_sqlite
def test_an_s3_that_does_not_answer_is_a_503_and_the_rest_of_the_site_works(
    make_app: MakeApp, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    app = make_app(log_level="ERROR")
    ada = make_person("ada", of=app)
    assert send(ada, encoded("PNG")).status_code == 503
    assert count_pictures(app) == 0
    assert ada.client.get("/api/users/").status_code == 200


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


@only_s3
def test_a_storage_that_never_answers_holds_no_connection_and_not_all_threads(
    silent: socket.socket,
    make_app: MakeApp,
    make_person: MakePerson,
    monkeypatch: pytest.MonkeyPatch,
    files: Files,
) -> None:
    upload = send(make_person("ada"), encoded("PNG")).json
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
    monkeypatch.setattr(storages, "CALL_TIMEOUT", timedelta(seconds=4))
    monkeypatch.setattr(storages, "CALL_WAIT_S", 0)
    app = make_app(log_level="ERROR")
    browser, path = sign_in_again(app), upload["urls"]["page"]["webp"]
    in_use: list[int] = []
    others: list[int] = []

    def look() -> None:
        """Once as many ask as may: whether they hold connections, and how somebody else fares."""
        held = [silent.accept()[0] for _ in range(storages.MAX_CALLS)]
        with app.app_context():
            in_use.append(db.engine.pool.checkedout())
        others.extend(browser().get(address).status_code for address in (path, "/api/id"))
        for connection in held:
            connection.close()

    looking = threading.Thread(target=look)
    looking.start()
    answers = at_once([lambda: browser().get(path)] * storages.MAX_CALLS)
    looking.join()
    assert statuses(answers) == {503: storages.MAX_CALLS}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert in_use == [0]
    assert others == [503, 200]


def sign_in_again(app: APIFlask) -> Callable[[], FlaskClient]:
    """Makes browsers in which Ada is signed in with an app."""
    first = app.test_client()
    assert first.post("/api/authenticate", json={"uid": "ada", "password": PASSWORD}).status_code == 200
    value = first.get_cookie("jwt").value

    def browser() -> FlaskClient:
        client = app.test_client()
        client.set_cookie("jwt", value)
        return client

    return browser


@only_folder
@only_sqlite
@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "pictures/../../evil", "pictures/1-a/../../../evil"]
)
def test_no_name_leads_out_of_the_folder(app: APIFlask, tmp_path: Path, name: str) -> None:
    with app.app_context():
        for call in (current_storage().read, current_storage().delete):
            with pytest.raises(ValueError, match="not the name"):
                call(name)
        with pytest.raises(ValueError, match="not the name"):
            current_storage().save(name, b"x")
    assert not list(tmp_path.rglob("evil"))


@only_folder
def test_a_row_whose_digest_is_none_names_nothing_outside(app: APIFlask, ada: Person, tmp_path: Path) -> None:
    upload = send(ada, encoded("PNG")).json
    outside = tmp_path / "instance" / "page.webp"
    outside.write_bytes(b"private")
    with app.app_context(), write_transaction() as session:
        session.execute(update(Picture).values(digest="/../../.."))
    assert ada.client.get(upload["urls"]["page"]["webp"]).status_code == 404
    assert ada.client.delete(f"/api/uploads/{upload['id']}").status_code == 200
    assert outside.read_bytes() == b"private"


@pytest.mark.parametrize("url", ["s3://", "s3://key:secret@bucket/x", "ftp://x", "file:///dev/null/x"])
@only_folder
def test_a_wrong_address_stops_the_start_and_names_the_variable(url: str) -> None:
    with pytest.raises(ConfigError, match="UPLOADS_URL") as refused:
        create_app(load_config(uploads_url=url))
    assert "secret@" not in str(refused.value)
