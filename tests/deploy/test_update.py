"""A new version takes over under load, and a bad one gives way again; both really installed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.deploy.containers import ROOT
from tests.deploy.load import under_load
from tests.deploy.proxy import Nginx, curl, make_certificate, proxying
from tests.servers import free_port

pytestmark = pytest.mark.deploy

SERVICE = Path(__file__).parent / "bare_service.py"
MIGRATION = '''"""A table of the tests."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
backward_compatible = {compatible}


def upgrade() -> None:
    op.create_table("{table}", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("{table}")
'''


class Machine:
    """A machine without containers: versions below a folder, two ports, and Nginx in front."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installed = folder / "opt"
        self.ports = (free_port(), free_port())
        self.settings = folder / "homeroom.env"
        self.settings.write_text(
            f"HOMEROOM_ENV=production\nINSTANCE_PATH={folder}/instance\nTRUSTED_PROXIES=1\nLOG_LEVEL=WARNING\n"
        )
        self.nginx = Nginx(
            folder,
            upstream_file=self.installed / "upstream.conf",
            requests_per_second=100_000,
            burst=100_000,
        )

    def checkout(self, version: str) -> Path:
        """A copy of this repository that calls itself another version."""
        copy = self.folder / f"checkout-{version}"
        shutil.copytree(
            ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
        (copy / "requirements").mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE", "requirements/run.txt"):
            shutil.copy(ROOT / name, copy / name)
        project = copy / "pyproject.toml"
        text, replaced = re.subn(
            r'^version = ".*"$', f'version = "{version}"', project.read_text(), flags=re.M
        )
        assert replaced == 1
        project.write_text(text)
        return copy

    def migrate_in(self, checkout: Path, name: str, before: str, *, compatible: bool) -> None:
        text = MIGRATION.format(revision=name, before=before, compatible=compatible, table=f"table_{name}")
        (checkout / f"src/homeroom/migrations/versions/{name}_test.py").write_text(text)

    def update(self, checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
        service = f"{sys.executable} {SERVICE}"
        command = [
            *(sys.executable, "-m", "homeroom", "deploy", "update", str(checkout)),
            *("--folder", str(self.installed), "--env-file", str(self.settings)),
            *("--port", str(self.ports[0]), str(self.ports[1])),
            *("--start", f"{service} start {self.installed} {{port}}"),
            *("--stop", f"{service} stop {self.installed} {{port}}"),
            *("--test", " ".join([*self.nginx.command, "-t"])),
            *("--reload", " ".join([*self.nginx.command, "-s", "reload"])),
            *("--ready-timeout", "20", "--watch", "3"),
            *options,
        ]
        settings = dict(line.split("=", 1) for line in self.settings.read_text().splitlines())
        return subprocess.run(
            command, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False
        )

    def version(self) -> str:
        """The version that answers through Nginx."""
        return re.findall(r'"version": ?"([^"]+)"', curl(self.nginx, "/api/openapi.json").body)[0]

    def stop(self) -> None:
        for port in self.ports:
            subprocess.run([sys.executable, SERVICE, "stop", self.installed, str(port)], check=True)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which the first version serves."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    make_certificate(machine.nginx.folder / "certificate")
    try:
        done = machine.update(machine.checkout("1.0.0"))
        assert done.returncode == 0, done.stderr
        assert "First sign-in" not in done.stderr
        machine.nginx.render()
        with proxying(machine.nginx):
            assert machine.version() == "1.0.0"
            yield machine
    finally:
        machine.stop()


def test_no_request_fails_while_a_new_version_takes_over(machine: Machine) -> None:
    checkout = machine.checkout("2.0.0")
    machine.migrate_in(checkout, "9001", "0004", compatible=True)
    authority = machine.nginx.folder / "certificate/fullchain.pem"
    with under_load(machine.nginx.https_port, authority, at_least=10_000, seconds=240) as load:
        done = machine.update(checkout)
        assert done.returncode == 0, done.stderr
    assert load.done >= 10_000
    assert load.failures == {}, f"of {load.done}"
    assert machine.version() == "2.0.0"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{machine.ports[0]}/api/health/live", timeout=5)


def test_an_unhealthy_version_gives_way_and_no_request_fails(machine: Machine) -> None:
    before = machine.version()
    checkout = machine.checkout("3.0.0")
    health = checkout / "src/homeroom/health.py"
    broken = health.read_text().replace("    if not current:\n", "    if current:\n")
    assert broken != health.read_text()
    health.write_text(broken)
    authority = machine.nginx.folder / "certificate/fullchain.pem"
    with under_load(machine.nginx.https_port, authority, at_least=500, seconds=240) as load:
        done = machine.update(checkout)
    assert done.returncode == 1
    assert "is not ready after 20 s: 503" in done.stderr
    assert "The version before serves on port" in done.stderr
    assert load.failures == {}
    assert machine.version() == before


def test_a_configuration_that_nginx_refuses_is_taken_back(machine: Machine) -> None:
    before = machine.version()
    done = machine.update(machine.checkout("3.5.0"), "--test", "false")
    assert done.returncode == 1
    assert machine.version() == before


def test_a_migration_that_the_old_version_could_not_live_with_needs_maintenance(machine: Machine) -> None:
    before = machine.version()
    checkout = machine.checkout("4.0.0")
    machine.migrate_in(checkout, "9001", "0004", compatible=True)
    machine.migrate_in(checkout, "9002", "9001", compatible=False)
    refused = machine.update(checkout)
    assert refused.returncode == 1
    assert "could not live with 9002 (A table of the tests)" in refused.stderr
    assert "--maintenance" in refused.stderr
    assert machine.version() == before
    done = machine.update(checkout, "--maintenance")
    assert done.returncode == 0, done.stderr
    assert machine.version() == "4.0.0"


def test_what_is_no_checkout_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    before = machine.version()
    done = machine.update(tmp_path)
    assert done.returncode == 1
    assert "is no checkout of Homeroom" in done.stderr
    assert machine.version() == before


def test_old_versions_are_forgotten_but_for_those_that_a_port_has(machine: Machine) -> None:
    releases = {release.resolve() for release in (machine.installed / "releases").iterdir()}
    assert {(machine.installed / "slots" / str(port)).resolve() for port in machine.ports} <= releases
    assert len(releases) <= 4
    assert (machine.installed / "current").resolve().exists()
