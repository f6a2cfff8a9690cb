"""A new version takes over under load, and a bad one gives way again; both really installed."""

import fcntl
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from homeroom import migrations
from tests.deploy.bare_machine import BareMachine, running
from tests.deploy.load import under_load
from tests.deploy.proxy import answers, make_certificate
from tests.disks import small_disk
from tests.servers import free_ports

pytestmark = pytest.mark.deploy

LAST_MIGRATION = max(path.name[:4] for path in (Path(migrations.__path__[0]) / "versions").glob("0*.py"))
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


def migrate_in(checkout: Path, name: str, before: str, *, compatible: bool) -> None:
    """Bring a migration into a checkout."""
    text = MIGRATION.format(revision=name, before=before, compatible=compatible, table=f"table_{name}")
    (checkout / f"src/homeroom/migrations/versions/{name}_test.py").write_text(text)


def with_another_lock(checkout: Path) -> Path:
    """Its packages count as others than those of all later versions; in truth only a comment differs."""
    with (checkout / "requirements/run.txt").open("a") as lock:
        lock.write("# another lock\n")
    return checkout


def inode(machine: BareMachine, module: str) -> int:
    """Which file on the disk a module of the version that serves is."""
    (found,) = (machine.installed / "current").glob(f"lib/python3.*/site-packages/{module}")
    return found.stat().st_ino


def releases(machine: BareMachine) -> set[Path]:
    return {release.resolve() for release in (machine.installed / "releases").iterdir()}


def slots(machine: BareMachine) -> dict[int, Path]:
    """Which release each port has."""
    links = {port: machine.installed / "slots" / str(port) for port in machine.ports}
    return {port: link.resolve() for port, link in links.items() if link.is_symlink()}


def any_version(machine: BareMachine) -> Path:
    """A checkout, for tests that only need one."""
    checkout = machine.folder / "checkout-1.1.0"
    return checkout if checkout.exists() else machine.checkout("1.1.0")


def free_slot(machine: BareMachine) -> int:
    """The port that the next version will have."""
    return next(port for port in machine.ports if str(port) != machine.live_port())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A machine on which the first version serves."""
    with running(BareMachine(tmp_path_factory.mktemp("machine"))) as machine:
        make_certificate(machine.nginx.folder / "certificate")
        done = machine.update(with_another_lock(machine.checkout("1.0.0")))
        assert done.returncode == 0, done.stderr
        assert "First sign-in" not in done.stdout
        assert "/join/#code=" in (machine.installed / f"{machine.ports[0]}.log").read_text()
        machine.nginx.render()
        machine.start_nginx()
        assert machine.version() == "1.0.0"
        yield machine


def test_no_request_fails_while_a_new_version_takes_over(machine: BareMachine) -> None:
    checkout = machine.checkout("2.0.0")
    migrate_in(checkout, "9001", LAST_MIGRATION, compatible=True)
    authority = machine.nginx.trusted
    flask = inode(machine, "flask/app.py")
    with under_load(machine.nginx.https_port, authority, at_least=10_000, seconds=240) as load:
        done = machine.update(checkout)
        assert done.returncode == 0, done.stderr
    assert load.done >= 10_000
    assert load.failures == {}, f"of {load.done}"
    assert machine.version() == "2.0.0"
    assert inode(machine, "flask/app.py") != flask, "packages of another lock are installed"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{machine.ports[0]}/api/health/live", timeout=5)


def test_packages_of_the_same_lock_are_linked_and_nothing_is_fetched(
    machine: BareMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    flask, homeroom = inode(machine, "flask/app.py"), inode(machine, "homeroom/app.py")
    checkout = machine.checkout("2.5.0")
    migrate_in(checkout, "9001", LAST_MIGRATION, compatible=True)
    done = machine.update(checkout)
    assert done.returncode == 0, done.stderr
    assert machine.version() == "2.5.0"
    assert inode(machine, "flask/app.py") == flask
    assert inode(machine, "homeroom/app.py") != homeroom


def test_an_unhealthy_version_gives_way_and_no_request_fails(machine: BareMachine) -> None:
    before = machine.version()
    releases_before, slots_before = releases(machine), slots(machine)
    checkout = machine.checkout("3.0.0")
    health = checkout / "src/homeroom/operations/health.py"
    assert "def _look(" in health.read_text()
    with health.open("a") as end:
        end.write("\n\ndef _look(*, writes: bool) -> str:\n    return 'This version never gets ready.'\n")
    authority = machine.nginx.trusted
    with under_load(machine.nginx.https_port, authority, at_least=500, seconds=240) as load:
        done = machine.update(checkout, "--ready-timeout", "20")
    assert done.returncode == 1
    assert "isn't ready after 20 s: 503" in done.stderr
    assert "The previous version is serving on port" in done.stderr
    assert load.failures == {}
    assert machine.version() == before
    assert (releases(machine), slots(machine)) == (releases_before, slots_before), "nothing is left of it"


def test_a_configuration_that_nginx_refuses_is_taken_back(machine: BareMachine) -> None:
    before = machine.version()
    done = machine.update(machine.checkout("3.5.0"), "--test", "false")
    assert done.returncode == 1
    assert "The previous version is serving on port" in done.stderr
    assert machine.version() == before
    assert not answers(free_slot(machine))


def test_a_migration_that_the_old_version_could_not_live_with_needs_maintenance(machine: BareMachine) -> None:
    before = machine.version()
    checkout = machine.checkout("4.0.0")
    migrate_in(checkout, "9001", LAST_MIGRATION, compatible=True)
    migrate_in(checkout, "9002", "9001", compatible=False)
    refused = machine.update(checkout)
    assert refused.returncode == 1
    assert "could not live with 9002 (A table of the tests)" in refused.stderr
    assert "--maintenance" in refused.stderr
    assert machine.version() == before
    done = machine.update(checkout, "--maintenance")
    assert done.returncode == 0, done.stderr
    assert machine.version() == "4.0.0"


def test_what_is_no_checkout_changes_nothing(machine: BareMachine, tmp_path: Path) -> None:
    before = machine.version()
    done = machine.update(tmp_path)
    assert done.returncode == 1
    assert "isn't a checkout of Homeroom" in done.stderr
    assert machine.version() == before


def test_old_versions_are_forgotten_but_for_those_that_a_port_has(machine: BareMachine) -> None:
    assert releases(machine) == set(slots(machine).values())
    assert len(releases(machine)) == 2
    current = (machine.installed / "current").resolve()
    assert current == slots(machine)[int(machine.live_port())]


def test_two_updates_at_once_are_one_after_the_other(machine: BareMachine) -> None:
    checkout = any_version(machine)
    with (machine.installed / "update.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = machine.update(checkout)
    assert refused.returncode == 1
    assert "Another update is running" in refused.stderr
    with socket.create_server(("127.0.0.1", free_slot(machine))):
        refused = machine.update(checkout)
    assert refused.returncode == 1
    assert "is in use, but the new version needs it" in refused.stderr
    assert machine.update(checkout).returncode == 0


def test_on_a_disk_that_is_full_everything_stays(machine: BareMachine, tmp_path: Path) -> None:
    # The first one, whose packages have to be installed.
    checkout, before = machine.folder / "checkout-1.0.0", (releases(machine), slots(machine))
    with small_disk(tmp_path / "disk", 100) as disk:
        ports = map(str, free_ports(2))
        told = machine.update(checkout, "--folder", str(disk / "opt"), "--port", *ports)
        assert told.returncode == 1
        assert "MiB left, and a version needs" in told.stderr
        assert "Free some space" in told.stderr
    # Full all at once, while packages are being installed.
    full = subprocess.run(
        ["prlimit", "--fsize=6000000", *machine.update_command(checkout)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert full.returncode == 1
    assert "File too large" in full.stderr
    nowhere = machine.update(checkout, "--folder", str(machine.installed / "update.lock/below"))
    assert nowhere.returncode == 1
    assert nowhere.stderr.strip().endswith("Not a directory.")
    assert (releases(machine), slots(machine)) == before


def test_where_nginx_cannot_be_told_nothing_is_stopped(machine: BareMachine) -> None:
    checkout, new, before = any_version(machine), free_slot(machine), machine.version()
    done = machine.update(checkout, "--reload", "false")
    assert done.returncode == 1
    assert "Going back failed too, and what is running was left running: false failed" in done.stderr
    assert answers(new), "it may be the one that Nginx leads to"
    assert machine.version() == before
    assert machine.update(checkout).returncode == 0, "the next update tidies up"


def test_an_old_version_that_does_not_stop_is_told(machine: BareMachine) -> None:
    checkout, old = any_version(machine), machine.live_port()
    done = machine.update(checkout, "--stop", f"sh -c 'test {{port}} != {old}'")
    assert done.returncode == 1
    assert "The new version is serving on port" in done.stderr
    assert f"stop it on port {old}" in done.stderr
    assert machine.live_port() != old
    assert answers(int(old))
    assert machine.update(checkout).returncode == 0, "the next update stops it"


def test_an_interrupted_update_goes_back(machine: BareMachine) -> None:
    old, new, before = machine.live_port(), free_slot(machine), machine.version()
    update = machine.update_command(machine.checkout("4.5.0"), "--watch", "60")
    # As at a terminal: whoever runs the tests in the background ignores the signal.
    command = ["env", "--default-signal=INT", *update]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert any("Nginx now uses port" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 1
    assert f"Interrupted.\nThe previous version is serving on port {old}." in told
    assert (machine.live_port(), machine.version()) == (old, before)
    assert not answers(new)


CUT = "kill -9 $PPID"
MIGRATION_THAT_IS_CUT_OFF = """def upgrade() -> None:
    op.create_table("of_5", sa.Column("id", sa.Integer(), primary_key=True))
    if "POWER_FAILS" in os.environ:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def cut_off(machine: BareMachine, checkout: Path, *options: str) -> None:
    """An update during which the power goes, and the machine's next start."""
    command = ["env", "POWER_FAILS=yes", *machine.update_command(checkout, *options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    machine.cut_power()
    machine.boot()
    machine.wait_until_ready()


def test_after_a_power_failure_at_any_step_the_machine_starts_with_a_version_that_serves(
    machine: BareMachine,
) -> None:
    """Each is at the same time the update that tidies up behind the one before."""
    fifth = machine.checkout("5.0.0")
    migrate_in(fifth, "9001", LAST_MIGRATION, compatible=True)
    migrate_in(fifth, "9002", "9001", compatible=False)
    migrate_in(fifth, "9003", "9002", compatible=False)
    migration = fifth / "src/homeroom/migrations/versions/9003_test.py"
    head = (
        migration.read_text()
        .partition("def upgrade")[0]
        .replace("import sql", "import os\nimport signal\nimport sql")
    )
    migration.write_text(head + MIGRATION_THAT_IS_CUT_OFF)

    # Before the new one is started, and before anything leads to it.
    before = machine.version()
    cut_off(machine, machine.checkout("4.8.0"), "--start", f"sh -c '{CUT}'")
    assert machine.version() == before
    # In the middle of a migration that the old version could not live with: it must not start again.
    cut_off(machine, fifth, "--maintenance")
    assert machine.version() == "5.0.0"
    # Written down, and Nginx not told.
    cut_off(machine, sixth := next_version(machine, fifth, "6.0.0"), "--reload", f"sh -c '{CUT}'")
    assert machine.version() == "6.0.0"
    # Both run.
    stop_old = f"sh -c 'test {{port}} != {machine.live_port()} || {CUT}'"
    cut_off(machine, seventh := next_version(machine, sixth, "7.0.0"), "--stop", stop_old)
    assert machine.version() == "7.0.0"

    done = machine.update(next_version(machine, seventh, "8.0.0"))
    assert done.returncode == 0, done.stderr
    assert machine.version() == "8.0.0"
    assert releases(machine) == set(slots(machine).values())


def next_version(machine: BareMachine, checkout: Path, version: str) -> Path:
    """The same, with the migrations that it brought, as a version of its own."""
    copy = machine.checkout(version)
    shutil.copytree(checkout / "src", copy / "src", dirs_exist_ok=True)
    return copy
