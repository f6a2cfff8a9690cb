"""What is left over: abandoned uploads, files without a picture, pictures without files."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from click.testing import CliRunner
from sqlalchemy import select, update

from homeroom.cli import main
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.uploads.models import Picture
from homeroom.uploads.services import find_orphans, sweep
from tests.conftest import Person
from tests.uploads.conftest import Files, send
from tests.uploads.files import encoded


def run(app: APIFlask, *arguments: str):
    """A command, over the test's database and storage."""
    runner = CliRunner()
    from flask.cli import ScriptInfo

    group = main.get_command(None, arguments[0])
    return runner.invoke(group, arguments[1:], obj=ScriptInfo(create_app=lambda: app))


def make_older(app: APIFlask, picture_id: int, age: timedelta) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(update(Picture).where(Picture.id == picture_id).values(created_at=utc_now() - age))


def test_an_upload_that_nothing_used_for_a_day_is_swept(app: APIFlask, ada: Person, files: Files) -> None:
    old, used, young = (send(ada, encoded("PNG")).json["id"] for _ in range(3))
    make_older(app, old, timedelta(hours=25))
    make_older(app, used, timedelta(hours=25))
    make_older(app, young, timedelta(hours=23))
    with app.app_context(), write_transaction() as session:
        session.get_one(Picture, used).attached = True
    result = run(app, "uploads", "sweep")
    assert result.exit_code == 0
    assert "Deleted 1 abandoned uploads" in result.output
    with app.app_context():
        assert set(db.session.scalars(select(Picture.id))) == {used, young}
    assert len(files.names()) == 12


def test_an_avatar_is_never_swept(app: APIFlask, ada: Person) -> None:
    upload = send(ada, encoded("PNG")).json
    ada.client.put("/api/id/picture", json={"picture_id": upload["id"]})
    make_older(app, upload["id"], timedelta(days=400))
    with app.app_context():
        assert sweep().uploads == 0
    assert ada.client.get("/api/id").json["picture"] is not None


def test_a_check_of_what_is_whole_finds_nothing(app: APIFlask, ada: Person) -> None:
    send(ada, encoded("PNG"))
    result = run(app, "uploads", "check")
    assert result.exit_code == 0, result.output
    assert "0 missing files" in result.output
    assert "0 orphaned files" in result.output


def test_a_missing_file_is_found(app: APIFlask, ada: Person, files: Files) -> None:
    send(ada, encoded("PNG"))
    lost = files.names()[3]
    files.delete(lost)
    result = run(app, "uploads", "check")
    assert result.exit_code == 1
    assert "1 missing files" in result.output
    assert lost in result.output


def test_files_without_a_picture_are_found_and_only_they(app: APIFlask, ada: Person, files: Files) -> None:
    send(ada, encoded("PNG"))
    files.save("pictures/9-abc/card.webp", b"x")
    with app.app_context():
        assert find_orphans(utc_now() + timedelta(minutes=1)) == ["pictures/9-abc/card.webp"]
        assert find_orphans(utc_now() - timedelta(days=1)) == [], "a request may be about to commit"


@pytest.mark.parametrize("storage_kind", ["folder"], indirect=True)
def test_what_a_crash_left_behind_is_found_and_swept(
    app: APIFlask, ada: Person, files: Files, tmp_path: Path
) -> None:
    """Whole files whose row was never committed, and one half-written."""
    send(ada, encoded("PNG"))
    folder = tmp_path / "instance" / "uploads"
    whole, half = folder / "pictures" / "9-abc" / "card.webp", folder / "incoming" / "tmp123"
    whole.parent.mkdir()
    for path in (whole, half):
        path.write_bytes(b"x")
        two_days_ago = time.time() - 2 * 86400
        os.utime(path, (two_days_ago, two_days_ago))
    result = run(app, "uploads", "check")
    assert result.exit_code == 1
    assert "2 orphaned files" in result.output
    assert "and 2 orphaned files" in run(app, "uploads", "sweep").output
    assert not whole.parent.exists()
    assert half.parent.is_dir(), "the next upload needs it"
    assert run(app, "uploads", "check").exit_code == 0
    assert len(files.names()) == 6
    assert send(ada, encoded("PNG")).status_code == 201
