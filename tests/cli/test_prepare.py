"""`homeroom prepare` and `homeroom health`: what a container or a service starts with and is asked by."""

import os
import re
import subprocess
import sys
from pathlib import Path

import flask_migrate
from alembic.script import ScriptDirectory

import homeroom
from homeroom.app import create_app
from homeroom.config import load_config
from homeroom.data.database import db
from tests.conftest import KEY
from tests.servers import free_port, serving

MIGRATIONS = Path(homeroom.__file__).parent / "migrations"


def start(instance: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "homeroom", *arguments],
        env=os.environ | {"INSTANCE_PATH": str(instance), "HOMEROOM_ENV": "production"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed


def test_two_first_starts_at_once_make_one_site(tmp_path: Path) -> None:
    both = [start(tmp_path / "instance", "prepare", "--site", "https://class.test") for _ in range(2)]
    ended = [finish(process) for process in both]
    assert [status for status, _printed in ended] == [0, 0], ended
    codes = {re.findall(r"https://class\.test/join/#code=(\S+)", printed)[0] for _status, printed in ended}
    assert len(codes) == 1, "both print the same one-time link"
    assert "demo" not in "".join(printed for _status, printed in ended)


def test_production_serves_with_the_key_that_was_prepared_and_makes_up_none(tmp_path: Path) -> None:
    status, printed = finish(start(tmp_path / "instance", "serve", "--port", str(free_port())))
    assert status == 1
    assert "SECRET_KEY is missing" in printed
    assert finish(start(tmp_path / "instance", "prepare"))[0] == 0
    settings = {"INSTANCE_PATH": str(tmp_path / "instance"), "HOMEROOM_ENV": "production"}
    with serving(settings) as server:
        assert finish(start(tmp_path, "health", server.address)) == (0, "ok\n")
    status, printed = finish(start(tmp_path, "health", server.address))
    assert status == 1
    assert "doesn't answer" in printed
    status, printed = finish(start(tmp_path, "health", "http://[::1"))
    assert (status, "isn't an address" in printed) == (2, True)


def test_health_tells_why_a_server_is_not_ready(tmp_path: Path) -> None:
    settings = {"INSTANCE_PATH": str(tmp_path / "instance")}
    assert finish(start(tmp_path / "instance", "prepare"))[0] == 0
    with serving(settings) as server:
        assert finish(start(tmp_path / "instance", "db", "downgrade", "0003"))[0] == 0
        status, printed = finish(start(tmp_path, "health", server.address))
    assert status == 1
    assert "503: The database needs an upgrade: `homeroom db upgrade`" in printed


def test_a_compatible_migration_is_run(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    app = create_app(load_config(instance_path=instance, secret_key=KEY, log_level="WARNING"))
    with app.app_context():
        flask_migrate.upgrade(revision="0003")
        db.engine.dispose()
    later = MIGRATIONS / "versions/0004_directory.py"
    assert "backward_compatible = True" in later.read_text()
    status, printed = finish(start(instance, "prepare", "--compatible-only"))
    assert status == 0, printed


def test_every_migration_says_whether_the_version_before_can_live_with_it() -> None:
    for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions():
        declared = getattr(script.module, "backward_compatible", None)
        assert isinstance(declared, bool), script.revision
        upgrade = Path(script.path).read_text().partition("def upgrade")[2].partition("def downgrade")[0]
        if declared:
            taken_away = re.findall(r"\b(?:drop_|alter_|rename_)\w+|\bDROP (?:TABLE|COLUMN)\b", upgrade)
            assert taken_away == [], f"{script.revision} says that it is compatible"
