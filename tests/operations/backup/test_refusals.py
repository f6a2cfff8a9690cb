"""Archives that are not what they should be, and restores that fail: nothing is changed by either."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import text

from homeroom.data.database import WRITES, db
from tests.operations.backup.conftest import SchoolClass, archives, everything, files_below, run, run_well
from tests.servers import serving

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def archive(school_class: SchoolClass, archive_folder: Path) -> Path:
    """A good archive, of a state that is no longer the present one."""
    run_well("backup")
    school_class.admin.client.put("/api/users/", json={"uid": "ada", "name": "Later"})
    (path,) = archives(archive_folder)
    return path


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None], *, matching: bool) -> bytes:
    """The archive with changed members, and with sums that fit them where that is asked for."""
    with tarfile.open(archive) as tar:
        members = {name: tar.extractfile(name).read() for name in tar.getnames()}
    change(members)
    if matching:
        members["manifest.json.sha256"] = (
            f"{hashlib.sha256(members['manifest.json']).hexdigest()}  manifest.json\n".encode()
        )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def in_manifest(**values: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | values).encode()

    return change


def with_rows(table: str, rows: Callable[[bytes], bytes]) -> Callable[[dict[str, bytes]], None]:
    """Other rows, and a manifest that says just these: only the tables' own rules can tell."""

    def change(members: dict[str, bytes]) -> None:
        data = rows(members[f"tables/{table}.jsonl"])
        members[f"tables/{table}.jsonl"] = data
        manifest = json.loads(members["manifest.json"])
        sums = {"rows": data.count(b"\n"), "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        manifest["tables"][table] = sums
        members["manifest.json"] = json.dumps(manifest).encode()

    return change


def without_a_picture(members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.startswith("uploads/"))
    del members[name]
    manifest = json.loads(members["manifest.json"])
    del manifest["files"][name.removeprefix("uploads/")]
    members["manifest.json"] = json.dumps(manifest).encode()


def other_picture(members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.startswith("uploads/"))
    members[name] = members[name][::-1]


def with_a_way_out(members: dict[str, bytes]) -> None:
    """A picture whose digest leads out of the storage's folder, and its files where that leads to."""
    first, *others = members["tables/pictures.jsonl"].splitlines(keepends=True)
    digest = json.loads(first)["digest"]
    with_rows("pictures", lambda _: b"".join([first.replace(digest.encode(), b"/../../../evil"), *others]))(
        members
    )
    manifest = json.loads(members["manifest.json"])
    for name in [name for name in members if digest in name]:
        other = name.removeprefix("uploads/").replace(digest, "/../../../evil")
        members[f"uploads/{other}"] = members.pop(name)
        manifest["files"][other] = manifest["files"].pop(name.removeprefix("uploads/"))
    members["manifest.json"] = json.dumps(manifest).encode()


CHANGED = {
    "a picture that leads out of its folder": (with_a_way_out, True, "never wrote"),
    "a picture that is another": (other_picture, False, "damaged"),
    "a manifest that was edited": (in_manifest(homeroom="9"), False, "damaged"),
    "a newer format": (in_manifest(format=2), True, "newer"),
    "a newer revision": (in_manifest(revision="9999"), True, "9999"),
    "a manifest with more in it": (in_manifest(more=1), True, "another version"),
    "a picture that is missing": (without_a_picture, True, "lacks 1 files"),
    "a member of its own": (lambda members: members.update({"../evil": b"x"}), True, "damaged"),
    "a role that there is not": (
        with_rows("users", lambda rows: rows.replace(b'"Admin"', b'"Owner"')),
        True,
        "users breaks its rules",
    ),
    "one ID twice": (
        with_rows("users", lambda rows: rows.replace(b'"uid_key":"admin"', b'"uid_key":"ada"')),
        True,
        "users breaks its rules",
    ),
    "a row that refers to nothing": (
        with_rows("profiles", lambda rows: rows.replace(b'"user_id":1', b'"user_id":77')),
        True,
        "refer to nothing",
    ),
    "a text for a number": (
        with_rows("users", lambda rows: rows.replace(b'"id":1,', b'"id":"1",')),
        True,
        "users breaks its rules",
    ),
    "a column that there is not": (
        with_rows("users", lambda rows: rows.replace(b'"id":1,', b'"id":1,"is_god":true,')),
        True,
        "users breaks its rules",
    ),
}


@only_sqlite
@pytest.mark.parametrize("what", CHANGED)
def test_an_archive_that_was_changed_is_refused_and_nothing_is_touched(
    archive: Path, tmp_path: Path, what: str
) -> None:
    change, matching, reason = CHANGED[what]
    changed = tmp_path / "changed.tar"
    changed.write_bytes(rewritten(archive, change, matching=matching))
    _refuse(changed, reason, tmp_path)


def _refuse(path: Path, reason: str, tmp_path: Path) -> None:
    before, files = everything(), files_below(tmp_path / "instance")
    refused = run("restore", str(path), "--yes")
    assert refused.exit_code == 1
    last = refused.output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert reason in last
    assert everything() == before
    assert files_below(tmp_path / "instance") == files


@only_sqlite
def test_an_archive_is_refused_wherever_it_is_cut_or_a_bit_of_it_flips(archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    (tmp_path / "cut.tar").write_bytes(b"")
    _refuse(tmp_path / "cut.tar", "archive", tmp_path)
    for member in (members[0], members[len(members) // 2], *members[-2:]):
        for end in (member.offset, member.offset + 100, member.offset_data, member.offset_data + 10):
            (tmp_path / "cut.tar").write_bytes(data[:end])
            assert run("restore", str(tmp_path / "cut.tar"), "--yes").exit_code == 1, end
        # In the name, in the header, in the content.
        for place in (member.offset, member.offset + 130, member.offset_data + member.size // 2):
            flipped = bytearray(data)
            flipped[place] ^= 4
            (tmp_path / "flipped.tar").write_bytes(flipped)
            assert run("restore", str(tmp_path / "flipped.tar"), "--yes").exit_code == 1, place
    _refuse(tmp_path / "flipped.tar", "archive", tmp_path)
    run_well("restore", str(archive), "--yes")


@only_sqlite
@pytest.mark.parametrize("content", ["a text", "another tar", "a zip"])
def test_what_is_no_archive_of_ours_is_refused(archive: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "foreign.tar"
    if content == "a text":
        path.write_text("hello\n" * 1000)
    else:
        kind = "tar" if content == "another tar" else "zip"
        (tmp_path / "some").mkdir()
        (tmp_path / "some" / "file").write_text("hello")
        shutil.move(shutil.make_archive(str(tmp_path / "made"), kind, tmp_path / "some"), path)
    _refuse(path, "archive", tmp_path)
    assert run("restore", str(tmp_path / "nothing" / "there.tar"), "--yes").exit_code == 1


def test_a_restore_that_the_database_refuses_leaves_the_old_state(
    app: APIFlask, archive: Path, school_class: SchoolClass
) -> None:
    before = everything()
    with app.app_context():
        sqlite = db.engine.dialect.name == "sqlite"
        if sqlite:
            refuse = "CREATE TRIGGER refuse BEFORE INSERT ON profiles BEGIN SELECT RAISE(ABORT, 'no'); END"
        else:
            refuse = "ALTER TABLE users ADD CONSTRAINT refuse CHECK (name NOT LIKE 'Ada %')"
        allow = "DROP TRIGGER refuse" if sqlite else "ALTER TABLE users DROP CONSTRAINT refuse"
        _execute(refuse)
        try:
            refused = run("restore", str(archive), "--yes")
        finally:
            _execute(allow)
    assert refused.exit_code == 1
    assert "Nothing was changed" in refused.output
    assert everything() == before
    assert school_class.ada.client.get("/api/id").json["name"] == "Later", "the session is there still"
    run_well("restore", str(archive), "--yes")


def _execute(statement: str) -> None:
    with db.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        connection.execute(text(statement))


@only_sqlite
def test_a_storage_that_cannot_be_written_leaves_the_old_state(archive: Path, tmp_path: Path) -> None:
    before = everything()
    uploads = tmp_path / "instance" / "uploads"
    shutil.rmtree(uploads / "pictures")
    # A file stands where the folder of pictures must be.
    (uploads / "pictures").write_text("")
    refused = run("restore", str(archive), "--yes")
    assert refused.exit_code == 1
    assert "Pictures aren't available" in refused.output
    assert everything() == before
    (uploads / "pictures").unlink()
    run_well("restore", str(archive), "--yes")


@pytest.mark.migrates
def test_a_database_of_a_newer_version_is_not_overwritten(app: APIFlask, archive: Path) -> None:
    with app.app_context():
        _execute("UPDATE alembic_version SET version_num = '9999'")
        refused = run("restore", str(archive), "--yes")
    assert refused.exit_code == 1
    assert "newer Homeroom" in refused.output


@only_sqlite
@pytest.mark.parametrize("damage", ["garbage", "torn"])
def test_a_damaged_database_is_moved_aside_and_replaced(
    archive: Path, app: APIFlask, tmp_path: Path, damage: str
) -> None:
    with app.app_context():
        _execute("DELETE FROM users WHERE uid = 'waits'")
        db.session.remove()
        db.engine.dispose()
    path = tmp_path / "homeroom.db"
    data = path.read_bytes()
    torn = data[:4096] + bytes(len(data) - 8192) + data[-4096:]
    path.write_bytes(b"garbage" * 1000 if damage == "garbage" else torn)
    damaged = path.read_bytes()
    told = run_well("restore", str(archive), "--yes")
    (kept,) = (tmp_path / "instance").glob("before-restore-*/homeroom.db")
    assert str(kept.parent) in told
    assert kept.read_bytes() == damaged
    assert [user["uid"] for user in everything()["users"]] == ["ada", "admin", "waits", "coded"]


@only_sqlite
def test_a_damaged_database_is_put_back_where_the_restore_fails(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "homeroom.db"
    path.write_bytes(b"garbage" * 1000)
    uploads = tmp_path / "instance" / "uploads"
    shutil.rmtree(uploads / "pictures")
    (uploads / "pictures").write_text("")
    refused = run("restore", str(archive), "--yes")
    assert refused.exit_code == 1
    assert path.read_bytes() == b"garbage" * 1000
    (uploads / "pictures").unlink()
    run_well("restore", str(archive), "--yes")
    assert len(everything()["users"]) == 4


@only_sqlite
@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_a_server_that_has_a_lost_database_open_must_be_stopped_first(
    archive: Path, server_settings: dict[str, str], tmp_path: Path, damage: str
) -> None:
    with serving(server_settings):
        if damage == "gone":
            for path in tmp_path.glob("homeroom.db*"):
                path.unlink()
        else:
            (tmp_path / "homeroom.db").write_bytes(b"garbage" * 1000)
        refused = run("restore", str(archive), "--yes")
        assert refused.exit_code == 1
        assert "stop it" in refused.output
    run_well("restore", str(archive), "--yes")
    assert len(everything()["users"]) == 4
