"""A disk without a free byte: people sign in and delete, nothing that grows is taken, and all comes back."""

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from homeroom.auth.models import Role
from homeroom.operations.disk_reserve import FILE_NAME, DiskReserve
from tests.conftest import KEY, PASSWORD
from tests.disks import MEGABYTE, fill, needs_root, small_disk
from tests.servers import homeroom, serving
from tests.uploads.conftest import form_with
from tests.uploads.files import encoded, noise


def sign_in(address: str, uid: str = "ada") -> requests.Session:
    browser = requests.Session()
    body = {"uid": uid, "password": PASSWORD}
    assert browser.post(f"{address}/api/authenticate", json=body, timeout=30).status_code == 200
    return browser


@needs_root
@pytest.mark.parametrize("command", ["serve", "run"])
def test_on_a_full_disk_people_sign_in_and_delete_and_nothing_grows(tmp_path: Path, command: str) -> None:
    with small_disk(tmp_path / "disk", 48) as disk:
        settings = {
            "INSTANCE_PATH": str(disk),
            "DATABASE_URL": f"sqlite:///{disk}/homeroom.db",
            "SECRET_KEY": KEY,
            "DISK_RESERVE_MB": "8",
        }
        homeroom(settings, "db", "upgrade")
        code = homeroom(settings, "user", "create", "ada", "--name", "Ada", "--role", Role.ADMIN)
        with serving(settings, command=command) as server:
            join = {"code": code.partition("code=")[2].strip(), "password": PASSWORD}
            assert requests.post(server.url("/api/join"), json=join, timeout=30).status_code == 200
            check_on(server.address, disk)


def check_on(address: str, disk: Path) -> None:
    ada = sign_in(address)

    def make(path: str, **what: Any) -> requests.Response:
        return ada.post(address + path, timeout=30, **what)

    picture = {"file": ("a.png", encoded("PNG", (400, 300)))}
    projects = [
        make("/api/projects/", json={"title": f"Number {n}", "body": "word " * 500}) for n in range(20)
    ]
    upload = make("/api/uploads/", files=picture)
    assert {answer.status_code for answer in [*projects, upload]} == {201}
    assert (disk / FILE_NAME).stat().st_size == 8 * MEGABYTE

    filler = fill(disk)
    again = sign_in(address)
    refused = [
        make("/api/projects/", json={"title": "One more"}),
        make("/api/uploads/", files=picture),
        make("/api/users/", json={"uid": "bob", "name": "Bob"}),
    ]
    assert {answer.status_code for answer in refused} == {503}
    assert all("disk is full" in answer.json()["detail"] for answer in refused)
    assert [send_slowly(ada, address, path) for path in ("/api/uploads/", "/api/id/picture")] == [503, 503]
    deleted = [again.delete(f"{address}/api/projects/{made.json()['id']}", timeout=30) for made in projects]
    deleted.append(again.delete(f"{address}/api/uploads/{upload.json()['id']}", timeout=30))
    assert {answer.status_code for answer in deleted} <= {200, 204}
    assert again.get(f"{address}/api/projects/", timeout=30).status_code == 200
    assert again.delete(f"{address}/api/authenticate", timeout=30).status_code == 200

    filler.unlink()
    assert make("/api/projects/", json={"title": "Room again"}).status_code == 201
    assert (disk / FILE_NAME).stat().st_size == 8 * MEGABYTE


def send_slowly(browser: requests.Session, address: str, path: str) -> int:
    """Send a large picture in a form, as over a school's line; the status of the answer."""
    data, media_type = form_with(noise())
    pieces = [data[at : at + 64 * 1024] for at in range(0, len(data), 64 * 1024)]
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.putrequest("POST" if path == "/api/uploads/" else "PUT", path)
    connection.putheader("Cookie", f"jwt={browser.cookies['jwt']}")
    connection.putheader("Content-Type", media_type)
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders()
    for piece in pieces:
        connection.send(piece)
        time.sleep(0.005)
    answer = connection.getresponse()
    assert json.loads(answer.read())["status"] == answer.status
    connection.close()
    return answer.status


@needs_root
def test_a_reserve_is_kept_only_where_there_is_room_for_what_comes_besides(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 12) as disk:
        reserve = DiskReserve(disk, 8 * MEGABYTE)
        assert not reserve.has_room()
        assert list(disk.iterdir()) == []
        small = DiskReserve(disk, 4 * MEGABYTE)
        assert [small.has_room(), small.has_room()] == [True, True]
        fill(disk)
        assert [small.has_room(), small.path.exists(), small.has_room()] == [False, False, False]
