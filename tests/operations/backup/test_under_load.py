"""Backups of a class that is at work, and backups, restores and drills that are killed or that fail."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import insert

from homeroom.auth.models import Role, User
from homeroom.config import load_config
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.operations.backup.state import backup_state
from tests.conftest import KEY, PASSWORD, MakePerson
from tests.operations.backup.conftest import (
    SchoolClass,
    archives,
    everything,
    files_below,
    run,
    run_well,
    sign_in,
)
from tests.servers import Server, serving
from tests.uploads.files import encoded

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WRITERS = 4
# Written by each before the backup begins, at least.
WRITES_BEFORE = 4


class Writer:
    """Makes users, and uploads and deletes pictures, until it is told to stop."""

    def __init__(self, server: Server, number: int, stop: threading.Event) -> None:
        self.server, self.number, self.stop = server, number, stop
        self.acknowledged: list[str] = []
        self.enough = threading.Event()

    def work(self) -> None:
        try:
            self._write()
        finally:
            # Whoever waits is told of a failure, too.
            self.enough.set()

    def _write(self) -> None:
        with requests.Session() as me:
            body = {"uid": "admin", "password": PASSWORD}
            me.post(self.server.url("/api/authenticate"), json=body, timeout=30).raise_for_status()
            while not self.stop.is_set():
                uid = f"w{self.number}-{len(self.acknowledged)}"
                made = me.post(
                    self.server.url("/api/users/"), json={"uid": uid, "name": f"Written {uid}"}, timeout=30
                )
                assert made.status_code == 201, made.text
                self.acknowledged.append(uid)
                self._upload(me)
                if len(self.acknowledged) >= WRITES_BEFORE:
                    self.enough.set()

    def _upload(self, me: requests.Session) -> None:
        picture = encoded("PNG", (40, 30))
        sent = me.post(self.server.url("/api/uploads/"), files={"file": ("a.png", picture)}, timeout=30)
        # Busy: more pictures come in than are taken at once.
        assert sent.status_code in (201, 503), sent.text
        if sent.ok and len(self.acknowledged) % 2:
            gone = me.delete(self.server.url(f"/api/uploads/{sent.json()['id']}"), timeout=30)
            assert gone.status_code in (200, 204), gone.text


def test_a_backup_under_load_has_every_write_that_was_acknowledged_before_it(
    make_person: MakePerson, server_settings: dict[str, str], tmp_path: Path
) -> None:
    make_person("admin", role=Role.ADMIN, signed_in=False)
    stop = threading.Event()
    with serving(server_settings, workers=2) as server, ThreadPoolExecutor(WRITERS) as pool:
        writers = [Writer(server, number, stop) for number in range(WRITERS)]
        working = [pool.submit(writer.work) for writer in writers]
        try:
            assert all(writer.enough.wait(timeout=240) for writer in writers)
            assert not any(work.done() for work in working), [
                work.exception() for work in working if work.done()
            ]
            during: set[str] = set()
            # On a busy machine all writers may be waiting while one archive is made.
            for _ in range(5):
                before = {uid for writer in writers for uid in writer.acknowledged}
                told = run_well("backup")
                during = {uid for writer in writers for uid in writer.acknowledged} - before
                if during:
                    break
        finally:
            stop.set()
        for work in working:
            work.result(timeout=60)
    assert during, "they went on writing while it was made"
    assert "WARNING" not in told, "pictures that were deleted meanwhile are not lost"
    run_well("drill")
    run_well("restore", "latest", "--yes")
    present = everything()
    users = {user["uid"] for user in present["users"]}
    assert before <= users
    assert present["directory"] == [(len(users), 0)]
    # Every picture has all its files.
    assert present["pictures"]
    stored = files_below(tmp_path / "instance" / "uploads")
    for picture in present["pictures"]:
        files = [name for name in stored if picture["digest"] in name]
        assert len(files) == 6


def backup_until(stage: str, settings: dict[str, str]) -> None:
    """`homeroom backup`, and `kill -9` the moment it tells that a part begins."""
    process = subprocess.Popen(
        [sys.executable, "-m", "homeroom", "backup"],
        env=os.environ | settings | {"PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if line.startswith(stage):
                process.send_signal(signal.SIGKILL)
                break
        else:
            raise AssertionError(f"it never said {stage!r}")
    process.wait(timeout=30)
    assert process.returncode == -signal.SIGKILL


def make_many(app: APIFlask, count: int) -> None:
    moment = utc_now()
    rows = [
        {
            "uid": f"m{number}",
            "uid_key": f"m{number}",
            "name": "Many",
            "name_key": "many",
            "role": Role.USER,
            "pending": False,
            "created_at": moment,
        }
        for number in range(count)
    ]
    with app.app_context(), write_transaction() as session:
        session.execute(insert(User), rows)


@only_sqlite
def test_a_killed_backup_leaves_nothing_that_is_taken_for_an_archive(
    app: APIFlask, school_class: SchoolClass, archive_folder: Path, tmp_path: Path
) -> None:
    make_many(app, 10_000)
    for stage in ("Reading", "Copying", "Checking", "Writing"):
        backup_until(stage, {})
        # Killed as it was being put there, it is whole or has no archive's name.
        for path in archives(archive_folder):
            run_well("restore", str(path), "--yes")
    assert "10014 rows" in run_well("backup")
    run_well("drill")
    assert not list(archive_folder.glob(".*"))
    assert not (tmp_path / "instance" / ".backup-work").exists()


@only_sqlite
def test_a_full_disk_ends_a_backup_in_one_line_and_is_noted(
    school_class: SchoolClass, archive_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file may grow beyond some blocks: the kernel refuses, as a full disk does."""
    # What is measured would be such a file, too.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    done = subprocess.run(
        [sys.executable, "-m", "homeroom", "backup"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert archives(archive_folder) == []
    state = backup_state(load_config())
    assert state.backup.ok is False
    assert "too large" in state.backup.problems[0]
    run_well("backup")


@only_sqlite
def test_two_at_once_are_refused(school_class: SchoolClass, tmp_path: Path) -> None:
    run_well("backup")
    with (tmp_path / "instance" / "backup.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["backup"], ["drill"], ["restore", "latest", "--yes"]):
            refused = run(*command)
            assert refused.exit_code == 1
            assert "is running" in refused.output
    run_well("drill")


@only_sqlite
def test_health_tells_of_the_last_backup_and_drill_and_stays_ready(
    guest: FlaskClient, school_class: SchoolClass, archive_folder: Path
) -> None:
    ready = guest.get("/api/health/ready")
    assert ready.json == {
        "status": "ok",
        "backup": None,
        "drill": None,
        "seen": {"scheme": "http", "host": "localhost"},
    }
    run_well("backup")
    run_well("drill")
    told = guest.get("/api/health/ready").json
    for run_of in (told["backup"], told["drill"]):
        assert run_of["ok"] is True
        assert 0 <= run_of["age"] < 60
    (archive,) = archives(archive_folder)
    data = bytearray(archive.read_bytes())
    data[data.index(b"Has a code")] ^= 1
    archive.write_bytes(data)
    failed = run("drill")
    assert failed.exit_code == 1
    assert "damaged" in failed.output
    answer = guest.get("/api/health/ready")
    assert answer.status_code == 200
    assert answer.json["drill"]["ok"] is False
    assert answer.json["backup"]["ok"] is True
    state = backup_state(load_config())
    assert state.drill.archive == archive.name
    assert "damaged" in state.drill.problems[0]
    refused = run("backup", BACKUP_URL="file:///proc/nowhere")
    assert refused.exit_code == 1
    told = guest.get("/api/health/ready").json["backup"]
    assert told["ok"] is False, "the last try failed; the age is that of the last good one"


@only_sqlite
def test_files_that_were_lost_before_are_told_loudly(school_class: SchoolClass, tmp_path: Path) -> None:
    folder = tmp_path / "instance" / "uploads" / "pictures"
    lost = next(path for path in folder.rglob("card.webp"))
    lost.unlink()
    told = run_well("backup")
    assert "WARNING: 1 picture files are missing" in told
    assert lost.parent.name in told
    drilled = run("drill")
    assert drilled.exit_code == 1
    assert "was already missing" in drilled.output
    assert lost.parent.name in run_well("restore", "latest", "--yes")


@only_sqlite
def test_a_drill_touches_nothing_of_the_site(school_class: SchoolClass, tmp_path: Path) -> None:
    run_well("backup")
    before, files = everything(), files_below(tmp_path / "instance" / "uploads")
    run_well("drill")
    assert everything() == before
    assert files_below(tmp_path / "instance" / "uploads") == files
    assert school_class.ada.client.get("/api/id").status_code == 200


def test_without_an_archive_there_is_nothing_to_restore_or_to_rehearse(tmp_path: Path) -> None:
    (tmp_path / "instance" / "backups").mkdir(parents=True)
    for command in (["drill"], ["restore", "latest", "--yes"], ["backup"]):
        refused = run(*command)
        assert refused.exit_code == 1
        assert refused.output.splitlines()[-1].startswith("Error: ")
    assert "No archives" in run_well("backup", "--list")
    assert backup_state(load_config()).drill.ok is False
    assert backup_state(load_config()).good_backup is None


@only_sqlite
def test_an_archive_is_readable_by_the_owner_and_by_common_tools(
    school_class: SchoolClass, archive_folder: Path
) -> None:
    run_well("backup")
    (archive,) = archives(archive_folder)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert archive_folder.stat().st_mode & 0o777 == 0o700
    with tarfile.open(archive) as tar:
        tar.extractall(archive_folder / "out", filter="data")
    checked = subprocess.run(
        ["sha256sum", "-c", "manifest.json.sha256"], cwd=archive_folder / "out", check=False, timeout=10
    )
    assert checked.returncode == 0
    assert "Ada Ünïcode 🎈" in (archive_folder / "out" / "tables" / "users.jsonl").read_text()
    assert not (archive_folder / "out" / "tables" / "sessions.jsonl").exists()


@only_sqlite
def test_after_a_restore_an_ended_session_stays_ended(school_class: SchoolClass) -> None:
    """The session was alive in the moment of the backup, and was ended after it."""
    token = school_class.ada.client.get_cookie("jwt").value
    run_well("backup")
    school_class.ada.client.delete("/api/authenticate")
    run_well("restore", "latest", "--yes")
    school_class.ada.client.set_cookie("jwt", token)
    assert school_class.ada.client.get("/api/id").status_code == 401
    assert sign_in(school_class.ada.client, "ada") == 200


@only_sqlite
def test_backups_that_the_schedule_does_not_keep_are_deleted_after_a_good_one(
    school_class: SchoolClass, archive_folder: Path
) -> None:
    archive_folder.mkdir()
    old = [
        f"homeroom-{day}T120000Z.tar"
        for day in ("20240105", "20240120", "20240210", "20240301", "20240302", "20240303", "20240304")
    ]
    for name in (*old, "notes.txt"):
        (archive_folder / name).write_text("")
    failed = run("backup", BACKUP_KEEP="daily=2,monthly=3", DATABASE_URL="sqlite:////nonexistent/x.db")
    assert failed.exit_code == 1
    assert backup_state(load_config()).backup.ok is False
    assert len(archives(archive_folder)) == len(old), "a backup that failed deletes nothing"
    run_well("backup", BACKUP_KEEP="all")
    first = archives(archive_folder)[-1]
    assert len(archives(archive_folder)) == len(old) + 1
    assert "Deleted 4 older archives" in run_well("backup", BACKUP_KEEP="daily=3,monthly=3")
    kept = [path.name for path in archives(archive_folder)]
    assert kept[:-2] == [old[2], old[5], old[6]]
    assert first.name in kept, "nothing is deleted on its first day"
    assert (archive_folder / "notes.txt").exists()


def test_settings_of_backups_that_cannot_be_right_stop_the_command(tmp_path: Path) -> None:
    (tmp_path / "instance" / "backups").mkdir(parents=True)
    identity = "AGE-SECRET-KEY-1" + "Q" * 58
    for name, value, reason in (
        ("BACKUP_URL", "ftp://x", "s3://"),
        ("BACKUP_URL", "s3://key:secret@bucket", "AWS_ACCESS_KEY_ID"),
        ("BACKUP_RECIPIENTS", identity, "age1"),
        ("BACKUP_RECIPIENTS", "age1" + "q" * 58, "age1"),
        ("BACKUP_KEEP", "7", "daily=7"),
        ("BACKUP_KEEP", "daily=7,daily=8", "daily=7"),
    ):
        refused = run("backup", **{name: value, "SECRET_KEY": KEY})
        assert refused.exit_code == 1
        assert name in refused.output
        assert reason in refused.output
        assert "secret@" not in refused.output
        assert identity not in refused.output
