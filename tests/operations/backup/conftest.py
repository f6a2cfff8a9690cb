"""A small class with everything that an archive must hold, and the commands as an operator types them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import text

from homeroom.app import create_app
from homeroom.auth.models import Role
from homeroom.cli import main
from homeroom.config import load_config
from homeroom.data.database import db
from homeroom.operations.backup.rows import kept_tables, last_ids, read_rows, snapshot
from tests.conftest import KEY, PASSWORD, MakePerson, Person
from tests.uploads.conftest import s3_server, send
from tests.uploads.files import encoded, files_below

__all__ = ["files_below", "s3_server"]


def run(*arguments: str, **environment: str) -> Result:
    """A command, with the test's settings and these."""
    return CliRunner().invoke(main, arguments, env=environment)


def run_well(*arguments: str, **environment: str) -> str:
    """A command that succeeds; what it printed."""
    result = run(*arguments, **environment)
    assert result.exit_code == 0, result.output
    return result.output


def archives(folder: Path) -> list[Path]:
    return sorted(folder.glob("homeroom-*"))


@pytest.fixture
def archive_folder(tmp_path: Path) -> Path:
    return tmp_path / "kept elsewhere"


@pytest.fixture(autouse=True)
def settings(
    _no_settings_from_outside: None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    archive_folder: Path,
) -> None:
    """The environment of the commands: the test's database, and a folder for archives."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BACKUP_URL", archive_folder.as_uri())
    if "database_url" in request.fixturenames:
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("database_url"))
        monkeypatch.setenv("SECRET_KEY", KEY)


def everything(**settings: Any) -> dict[str, Any]:
    """All rows that a database has, as an archive would hold them, and the ids that it gave out."""
    app = create_app(load_config(secret_key=KEY, **settings))
    with app.app_context():
        with snapshot(db.engine) as connection:
            tables = kept_tables(connection)
            rows = {table.name: list(read_rows(connection, table)) for table in tables}
            rows["last ids"] = last_ids(connection, tables)
            directory = text("SELECT members, pending FROM directory")
            rows["directory"] = list(map(tuple, connection.execute(directory)))
        db.engine.dispose()
    return rows


@dataclass
class SchoolClass:
    """People, a project with pictures, an avatar, and an ID that was given out and is gone."""

    ada: Person
    admin: Person
    project_id: int

    def pictures(self, client: FlaskClient) -> list[bytes]:
        """The bytes of the project's pictures, as a browser gets them."""
        project = client.get(f"/api/projects/{self.project_id}").json
        addresses = [
            address
            for picture in project["pictures"]
            for sizes in picture["urls"].values()
            for address in (sizes["webp"], sizes["original"])
        ]
        assert len(addresses) >= 8
        return [client.get(address).data for address in addresses]


@pytest.fixture
def school_class(make_person: MakePerson) -> SchoolClass:
    ada, admin = make_person("ada", name="Ada Ünïcode 🎈"), make_person("admin", role=Role.ADMIN)
    make_person("waits", signed_in=False, pending=True)
    gone = make_person("gone", signed_in=False)
    admin.client.delete(f"/api/users/{gone.id}")
    body = {"uid": "coded", "name": "Has a code", "dob": "2011-02-28"}
    assert admin.client.post("/api/users/", json=[body]).status_code == 201
    pictures = [send(ada, encoded("PNG")).json["id"], send(ada, encoded("JPEG")).json["id"]]
    project = ada.client.post(
        "/api/projects/",
        json={
            "title": "Balloon",
            "body": "# Up\n\nand *away*",
            "tags": ["air", "Ü"],
            "links": [{"label": "More", "url": "https://example.org/"}],
            "visibility": "class",
            "pictures": [{"id": picture, "alt": "A balloon"} for picture in pictures],
        },
    )
    assert project.status_code == 201, project.json
    ada.client.put("/api/id/picture", json={"picture_id": send(ada, encoded("PNG")).json["id"]})
    ada.client.put("/api/portfolio", json={"about": "I fly.", "shown_name": "A."})
    admin.client.put(f"/api/projects/{project.json['id']}/hidden", json={"reason": "Too high"})
    return SchoolClass(ada, admin, project.json["id"])


def sign_in(client: FlaskClient, uid: str) -> int:
    return client.post("/api/authenticate", json={"uid": uid, "password": PASSWORD}).status_code
