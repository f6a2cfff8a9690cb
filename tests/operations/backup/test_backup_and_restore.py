"""From an archive back to a class: on both databases, from one to the other, after the loss of all."""

import json
import shutil
import tarfile
from pathlib import Path

import flask_migrate
import pytest
import requests
from apiflask import APIFlask
from flask.testing import FlaskClient
from pyrage.x25519 import Identity

from homeroom.app import create_app
from homeroom.auth.models import Role, User
from homeroom.config import load_config
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from tests.conftest import KEY, MakePerson, PostgreSQL
from tests.operations.backup.conftest import (
    SchoolClass,
    archives,
    everything,
    files_below,
    run,
    run_well,
    sign_in,
)
from tests.servers import serving
from tests.uploads.conftest import BUCKET

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def destroy(school_class: SchoolClass, uploads: Path) -> None:
    """Somebody deletes people and a project, renames another, and the disk loses the pictures."""
    school_class.ada.client.delete(f"/api/projects/{school_class.project_id}")
    school_class.admin.client.put("/api/users/", json={"uid": "waits", "name": "Renamed"})
    school_class.admin.client.delete("/api/users/", json={"uid": "ada"})
    shutil.rmtree(uploads / "pictures")


def test_what_was_backed_up_comes_back_and_everybody_signs_in_again(
    school_class: SchoolClass, guest: FlaskClient, tmp_path: Path, archive_folder: Path
) -> None:
    before, uploads = everything(), tmp_path / "instance" / "uploads"
    files, pictures = files_below(uploads), school_class.pictures(school_class.ada.client)
    assert "14 rows" in run_well("backup"), before
    destroy(school_class, uploads)
    assert "Restored 14 rows and 18 files" in run_well("restore", "latest", "--yes")
    assert everything() == before
    assert files_below(uploads) == files
    assert school_class.ada.client.get("/api/id").status_code == 401
    assert sign_in(school_class.ada.client, "ada") == 200
    assert school_class.pictures(school_class.ada.client) == pictures
    listed = school_class.ada.client.get("/api/users/")
    assert listed.headers["X-Total-Count"] == "3"
    found = school_class.ada.client.get("/api/users/?q=unicode").json
    assert [user["uid"] for user in found] == ["ada"], "the words of names come back too"
    assert guest.get("/api/users/").status_code == 401


def test_what_was_there_before_a_restore_is_kept_and_can_be_brought_back(
    school_class: SchoolClass, tmp_path: Path
) -> None:
    run_well("backup")
    school_class.admin.client.put("/api/users/", json={"uid": "ada", "name": "Later"})
    later = everything()
    run_well("restore", "latest", "--yes")
    assert everything() != later
    (kept,) = (tmp_path / "instance").glob("before-restore-*/homeroom-*.tar")
    run_well("restore", str(kept), "--yes")
    assert everything() == later


def test_restore_asks_first_and_takes_no_for_an_answer(school_class: SchoolClass) -> None:
    run_well("backup")
    school_class.admin.client.put("/api/users/", json={"uid": "ada", "name": "Later"})
    before = everything()
    refused = run("restore", "latest")
    assert refused.exit_code == 1
    assert "14 rows" in refused.output
    assert everything() == before


def test_ids_that_were_given_out_are_not_given_out_again(
    school_class: SchoolClass, make_person: MakePerson
) -> None:
    run_well("backup")
    after_the_backup = make_person("late", signed_in=False)
    run_well("restore", "latest", "--yes")
    assert make_person("new", signed_in=False).id > after_the_backup.id


def test_a_class_is_restored_where_nothing_is_left(tmp_path: Path, archive_folder: Path) -> None:
    """The default database in an instance folder that is gone, its archive elsewhere."""
    run_well("db", "upgrade")
    run_well("demo", "load")
    run_well("user", "create", "gone", "--name", "Gone")
    app = create_app()
    with app.app_context():
        with write_transaction() as session:
            session.delete(session.query(User).filter_by(uid="gone").one())
        db.engine.dispose()
    before = everything()
    run_well("backup")
    shutil.rmtree(tmp_path / "instance")
    run_well("restore", "latest", "--yes")
    assert everything() == before
    assert before["last ids"]["users"] == 25
    run_well("drill")


@only_sqlite
def test_a_class_moves_from_sqlite_to_postgresql_and_back(
    school_class: SchoolClass, postgresql: PostgreSQL, tmp_path: Path, archive_folder: Path
) -> None:
    before, uploads = everything(), tmp_path / "instance" / "uploads"
    files = files_below(uploads)
    run_well("backup")
    postgresql_url = postgresql.copy()
    elsewhere = {"DATABASE_URL": postgresql_url, "INSTANCE_PATH": str(tmp_path / "second")}
    run_well("restore", "latest", "--yes", **elsewhere)
    settings = {"database_url": postgresql_url, "instance_path": tmp_path / "second"}
    assert everything(**settings) == before
    assert files_below(tmp_path / "second" / "uploads") == files
    run_well("backup", **elsewhere)
    first, second = archives(archive_folder)
    with tarfile.open(first) as one, tarfile.open(second) as other:
        manifests = [json.load(tar.extractfile("manifest.json")) for tar in (one, other)]
    assert [manifest["database"] for manifest in manifests] == ["sqlite", "postgresql"]
    assert manifests[0]["tables"] == manifests[1]["tables"], "equal rows make equal lines"
    destroy(school_class, uploads)
    run_well("restore", str(second), "--yes")
    assert everything() == before
    assert files_below(uploads) == files
    run_well("restore", "latest", "--yes", **elsewhere)
    postgresql.drop(postgresql_url)


@pytest.mark.migrates
def test_an_archive_of_an_older_version_is_restored_and_brought_up_to_date(
    app: APIFlask, school_class: SchoolClass
) -> None:
    with app.app_context():
        db.session.remove()
        flask_migrate.downgrade(revision="0002")
        db.engine.dispose()
    run_well("backup")
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    before = everything()
    assert before["projects"] == []
    school_class.admin.client.delete("/api/users/", json={"uid": "waits"})
    run_well("restore", "latest", "--yes")
    assert everything() == before
    assert before["directory"] == [(3, 1)]
    run_well("drill")


def make_identity(path: Path) -> str:
    """As `age-keygen -o` does."""
    identity = Identity.generate()
    path.write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public())


@only_sqlite
def test_an_encrypted_archive_opens_with_its_own_key_alone(
    school_class: SchoolClass, tmp_path: Path, archive_folder: Path
) -> None:
    keys = [tmp_path / name for name in ("teacher", "principal", "stranger")]
    teacher, principal, _ = map(make_identity, keys)
    run_well("backup", "--encrypt-to", teacher, "--encrypt-to", principal)
    before = everything()
    (archive,) = archives(archive_folder)
    assert archive.name.endswith(".tar.age")
    assert b"users.jsonl" not in archive.read_bytes()
    school_class.admin.client.delete("/api/users/", json={"uid": "waits"})
    changed = everything()
    for options, reason in (
        ([], "is encrypted"),
        (["--identity", str(keys[2])], "keys other than"),
        (["--identity", str(archive)], "identity"),
    ):
        for command in (["restore", "latest", "--yes"], ["drill"]):
            refused = run(*command, *options)
            assert refused.exit_code == 1
            assert reason in refused.output
    assert everything() == changed
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged.tar.age").write_bytes(damaged)
    refused = run("restore", str(tmp_path / "damaged.tar.age"), "--yes", "--identity", str(keys[0]))
    assert "damaged" in refused.output
    assert everything() == changed
    for key in keys[:2]:
        run_well("drill", "--identity", str(key))
    run_well("restore", "latest", "--yes", "--identity", str(keys[1]))
    assert everything() == before


def test_printed_join_codes_stay_good_with_an_encrypted_archive_alone(tmp_path: Path) -> None:
    public = make_identity(tmp_path / "key")
    run_well("db", "upgrade")
    code = run_well("user", "create", "ada", "--name", "Ada").split("#code=")[1].strip()
    plain, secret = (tmp_path / name for name in ("plain", "secret"))
    run_well("backup", BACKUP_URL=plain.as_uri())
    run_well("backup", BACKUP_URL=secret.as_uri(), BACKUP_RECIPIENTS=public)
    with tarfile.open(*archives(plain)) as tar:
        assert "secret_key" not in tar.getnames()
    opens = {}
    for folder, options in ((plain, []), (secret, ["--identity", str(tmp_path / "key")])):
        shutil.rmtree(tmp_path / "instance")
        # Production does not make up a key: the archive is what brings it back.
        told = run_well(
            "restore", "latest", "--yes", *options, BACKUP_URL=folder.as_uri(), HOMEROOM_ENV="production"
        )
        app = create_app()
        opens[folder.name] = app.test_client().post("/api/join/code", json={"code": code}).status_code
        with app.app_context():
            db.engine.dispose()
    assert opens == {"plain": 404, "secret": 200}
    assert "The secret key comes from the archive" in told


@pytest.fixture
def uploads_on_s3(s3_server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the test's own in the bucket."""
    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UPLOADS_URL", f"s3://{BUCKET}/{tmp_path.name}/uploads")


@only_sqlite
def test_archives_and_pictures_live_on_s3(
    uploads_on_s3: None, make_person: MakePerson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"s3://{BUCKET}/{tmp_path.name}"
    monkeypatch.setenv("BACKUP_URL", f"{prefix}/backups")
    make_person("ada", role=Role.ADMIN)
    before = everything()
    run_well("backup")
    ((_, _, name),) = [line.split("\t") for line in run_well("backup", "--list").splitlines()]
    for archive in ("latest", f"{prefix}/backups/{name}", name):
        make_person(f"new {len(archive)}", signed_in=False)
        run_well("restore", archive, "--yes")
        present = everything()
        assert {**present, "last ids": None} == {**before, "last ids": None}
    run_well("drill")
    refused = run("restore", f"{prefix}/backups/homeroom-20200101T000000Z.tar", "--yes")
    assert refused.exit_code == 1
    assert "No such archive" in refused.output
    refused = run("backup", AWS_SECRET_ACCESS_KEY="wrong")
    assert refused.exit_code == 1
    assert "can't be reached" in refused.output
    assert "Signature" not in refused.output


@only_sqlite
def test_pictures_on_s3_are_in_the_archive(
    uploads_on_s3: None, database_url: str, school_class: SchoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = school_class.pictures(school_class.ada.client)
    run_well("backup")
    monkeypatch.delenv("UPLOADS_URL")
    assert "18 files" in run_well("restore", "latest", "--yes")
    app = create_app(load_config(secret_key=KEY))
    client = app.test_client()
    assert sign_in(client, "ada") == 200
    assert school_class.pictures(client) == pictures
    with app.app_context():
        db.engine.dispose()


def test_a_running_server_shows_the_restored_state_at_once(
    school_class: SchoolClass, server_settings: dict[str, str]
) -> None:
    run_well("backup")
    with serving(server_settings) as server, requests.Session() as me:
        body = {"uid": "admin", "password": school_class.admin.password}
        assert me.post(server.url("/api/authenticate"), json=body, timeout=10).ok
        me.put(server.url("/api/users/"), json={"uid": "ada", "name": "Later"}, timeout=10)
        names = [user["name"] for user in me.get(server.url("/api/users/"), timeout=10).json()]
        assert "Later" in names
        run_well("restore", "latest", "--yes")
        assert me.get(server.url("/api/users/"), timeout=10).status_code == 401
        assert me.post(server.url("/api/authenticate"), json=body, timeout=10).ok
        names = [user["name"] for user in me.get(server.url("/api/users/"), timeout=10).json()]
        assert "Later" not in names
        assert "Ada Ünïcode 🎈" in names
