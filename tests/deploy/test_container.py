"""The container: built by the Dockerfile, run by the compose file, killed, and brought back."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from tests.conftest import PASSWORD
from tests.deploy.asking import Asker
from tests.deploy.containers import ROOT, Docker, import_postgresql, import_python, private_docker
from tests.deploy.proxy import Nginx, make_certificate, proxying
from tests.deploy.writing import being_written
from tests.servers import free_port

pytestmark = pytest.mark.deploy

IMAGE = "homeroom"
PASSWORD_OF_THE_DATABASE = "seven-wooden-chairs"
# As docs/how-to/run-in-a-container.md has it.
POSTGRESQL_SETTINGS = {
    "POSTGRES_PASSWORD": PASSWORD_OF_THE_DATABASE,
    "DATABASE_URL": f"postgresql://homeroom:{PASSWORD_OF_THE_DATABASE}@database/homeroom",
}
PLANTED = "planted-secret-that-may-reach-no-layer"


class Composed:
    """The compose file's services, in a folder of their own."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self.docker, self.folder = docker, folder
        self.port = free_port()
        docker.environment["HOMEROOM_PORT"] = str(self.port)
        shutil.copy(ROOT / "compose.yaml", folder)
        (folder / "instance").mkdir()
        os.chown(folder / "instance", 1000, 1000)

    def compose(self, *arguments: str) -> str:
        return self.docker.run("docker-compose", "-p", "homeroomtest", *arguments, folder=self.folder)

    def start(self, *options: str) -> None:
        """The built image, until it is ready."""
        self.compose(*options, "up", "-d", "--no-build")
        self.wait_until_ready()

    def write_settings(self, **settings: str) -> None:
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.folder / ".env").write_text(lines)

    def wait_for_the_database(self) -> None:
        deadline = time.monotonic() + 60
        while self.inspect("{{.State.Health.Status}}", "database") != "healthy":
            assert time.monotonic() < deadline, self.compose("logs", "database")
            time.sleep(0.5)

    def inspect(self, template: str, service: str = "homeroom") -> str:
        container = self.compose("ps", "-q", service).strip()
        return self.docker.docker("inspect", "--format", template, container).strip()

    def exit_code(self, container: str) -> int:
        return int(self.docker.docker("inspect", "--format", "{{.State.ExitCode}}", container))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def first_code(self) -> str:
        """What the first admin joins with, from the log."""
        logs = self.compose("logs", "homeroom")
        (code,) = re.findall(r"http://localhost:8286/join/#code=([0-9A-Z-]+)", logs)
        return code

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if requests.get(self.url("/api/health/ready"), timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError(self.compose("logs"))


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    folder = tmp_path_factory.mktemp("docker")
    with private_docker(folder) as docker:
        import_python(docker)
        shutil.copytree(ROOT / "src", folder / "context/src", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "context/requirements").mkdir()
        for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder / "context" / name)
        shutil.copy(ROOT / "requirements/run.txt", folder / "context/requirements")
        # What lies about in a checkout that is used: none of it may be in the image.
        (folder / "context/instance").mkdir()
        for name in ("instance/secret_key", ".env", "src/../notes.txt"):
            (folder / "context" / name).write_text(PLANTED)
        docker.docker("build", "--quiet", "--network", "host", "--tag", IMAGE, str(folder / "context"))
        yield docker


@contextmanager
def reached_through_nginx(composed: Composed, folder: Path) -> Iterator[Asker]:
    """An Nginx before the container, and somebody who asks it; the first admin has joined."""
    folder.mkdir()
    nginx = Nginx(folder, upstream=f"127.0.0.1:{composed.port}", requests_per_second=100_000, burst=100_000)
    make_certificate(nginx.folder / "certificate")
    nginx.render()
    asker = Asker(nginx.https_port, nginx.trusted)
    with proxying(nginx):
        joined = {"code": composed.first_code(), "password": PASSWORD}
        answer = asker.ask("POST", "/api/join", body=joined)
        assert answer.status == 200, composed.compose("logs")
        yield asker


@pytest.fixture(scope="module")
def postgresql_image(docker: Docker) -> None:
    import_postgresql(docker)


@pytest.fixture
def composed(docker: Docker, tmp_path: Path) -> Iterator[Composed]:
    composed = Composed(docker, tmp_path)
    try:
        yield composed
    finally:
        composed.compose("down", "--volumes")


def test_the_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_no_secret_and_no_tool_of_the_build_is_in_the_image(docker: Docker) -> None:
    archive = docker.folder / "image.tar"
    docker.docker("save", "--output", str(archive), IMAGE)
    assert PLANTED.encode() not in archive.read_bytes()
    archive.unlink()
    listed = docker.docker("run", "--rm", "--network=none", "--entrypoint=ls", IMAGE, "/opt/homeroom/bin")
    assert "homeroom" in listed
    assert "pip" not in listed


def test_a_person_joins_and_writes_through_nginx_and_all_is_there_after_a_kill_and_after_down_and_up(
    composed: Composed, tmp_path: Path
) -> None:
    composed.write_settings(TRUSTED_PROXIES="1")
    composed.start()
    with reached_through_nginx(composed, tmp_path / "nginx") as asker:
        with being_written(asker, asker.sign_in("admin", PASSWORD), "written-") as writing:
            writing.wait_for_more(50)
            os.kill(int(composed.inspect("{{.State.Pid}}")), signal.SIGKILL)
            # The session outlives it, too: the same people write on.
            writing.wait_for_more(50)
        assert composed.inspect("{{.RestartCount}}") == "1"
        assert writing.refused, "it was killed while people wrote"
        assert set(writing.refused) == {503}
        assert writing.lost() == set()

        composed.compose("down")
        # Stopped, its data belongs to nobody else.
        with closing(sqlite3.connect(composed.folder / "instance/homeroom.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        composed.start()
        writing.signed_in = asker.sign_in("admin", PASSWORD)
        assert writing.lost() == set()
    assert "/join/" not in composed.compose("logs", "homeroom")


def test_it_runs_with_no_more_rights_than_it_needs(composed: Composed) -> None:
    composed.start()
    container = composed.compose("ps", "-q", "homeroom").strip()
    status = composed.docker.docker("exec", container, "cat", "/proc/1/status")
    assert re.search(r"^Uid:\t1000\t", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    wrote = composed.docker.docker(
        *("exec", container, "python", "-c"),
        "import tempfile; tempfile.TemporaryFile()\n"
        "try: open('/opt/homeroom/new', 'w')\n"
        "except OSError as error: print(error.strerror)",
    )
    assert wrote.strip() == "Read-only file system"
    assert composed.docker.docker("exec", container, "homeroom", "health").strip() == "ok"
    listening = json.loads(composed.inspect("{{json .NetworkSettings.Ports}}"))
    assert listening["8086/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(composed.port)}]


def test_it_stops_when_it_is_told_to(composed: Composed) -> None:
    composed.start()
    container = composed.compose("ps", "-q", "homeroom").strip()
    composed.compose("stop")
    # 137 would be the kill that follows when the signal does not reach the server.
    assert composed.exit_code(container) == 0


def test_it_stops_when_it_is_told_to_before_it_serves(composed: Composed) -> None:
    database = composed.folder / "instance/homeroom.db"
    with closing(sqlite3.connect(database)) as connection:
        os.chown(database, 1000, 1000)
        # What prepares the database waits for this lock.
        connection.execute("BEGIN EXCLUSIVE")
        composed.compose("up", "-d", "--no-build")
        container = composed.compose("ps", "-q", "homeroom").strip()
        composed.docker.docker("stop", container)
    assert composed.exit_code(container) == 128 + signal.SIGTERM


def test_the_database_is_there_for_its_profile_alone(composed: Composed) -> None:
    assert "image: postgres:" in composed.compose("--profile", "postgresql", "config")
    composed.compose("up", "-d", "--no-build")
    assert len(composed.compose("ps", "-q").split()) == 1


def test_a_class_that_was_lost_is_restored_into_another_database(
    postgresql_image: None, composed: Composed, tmp_path: Path
) -> None:
    composed.write_settings(TRUSTED_PROXIES="1")
    composed.start()
    with reached_through_nginx(composed, tmp_path / "nginx") as asker:
        with being_written(asker, asker.sign_in("admin", PASSWORD), "written-") as writing:
            writing.wait_for_more(50)
        composed.compose("exec", "-T", "homeroom", "homeroom", "backup")
        composed.compose("stop", "homeroom")
        for lost in (composed.folder / "instance").iterdir():
            if lost.name != "backups":
                shutil.rmtree(lost) if lost.is_dir() else lost.unlink()

        composed.write_settings(TRUSTED_PROXIES="1", **POSTGRESQL_SETTINGS)
        composed.compose("--profile", "postgresql", "up", "-d", "database")
        composed.wait_for_the_database()
        composed.compose("run", "--rm", "-T", "homeroom", "homeroom", "restore", "latest", "--yes")
        composed.start("--profile", "postgresql")
        writing.signed_in = asker.sign_in("admin", PASSWORD)
        assert writing.lost() == set()
    assert not (composed.folder / "instance/homeroom.db").exists()


def test_with_postgresql_every_acknowledged_write_outlives_a_killed_database(
    postgresql_image: None, composed: Composed, tmp_path: Path
) -> None:
    composed.write_settings(TRUSTED_PROXIES="1", **POSTGRESQL_SETTINGS)
    composed.start("--profile", "postgresql")
    assert not (composed.folder / "instance/homeroom.db").exists()
    # Its first start may need a second try: the database was not there yet.
    begun_at = composed.inspect("{{.State.StartedAt}}")
    with reached_through_nginx(composed, tmp_path / "nginx") as asker:
        with being_written(asker, asker.sign_in("admin", PASSWORD), "written-") as writing:
            writing.wait_for_more(50)
            os.kill(int(composed.inspect("{{.State.Pid}}", "database")), signal.SIGKILL)
            writing.wait_for_more(50)
        assert composed.inspect("{{.RestartCount}}", "database") == "1"
        assert composed.inspect("{{.State.StartedAt}}") == begun_at, "the site itself goes on"
        assert writing.refused, "it was killed while people wrote"
        assert set(writing.refused) == {503}
        assert writing.lost() == set()

        composed.compose("exec", "-T", "homeroom", "homeroom", "backup")
        composed.compose("--profile", "postgresql", "down")
        composed.start("--profile", "postgresql")
        writing.signed_in = asker.sign_in("admin", PASSWORD)
        assert writing.lost() == set()
    assert PASSWORD_OF_THE_DATABASE not in composed.compose("logs")
