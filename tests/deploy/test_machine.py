"""A machine as AWS gives one, from nothing to HTTPS by its own cloud-init and systemd units.

Debian 12 in an emulator stands for Ubuntu on EC2; see virtual_machine.py for what that leaves out.
"""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import PASSWORD
from tests.deploy.authority import Authority, issuing, serial
from tests.deploy.containers import ROOT
from tests.deploy.load import PAUSE_WITHIN_LIMITS_S, under_load
from tests.deploy.proxy import DOMAIN
from tests.deploy.virtual_machine import (
    AUTHORITY_ADDRESS,
    DATA_DEVICE,
    FRESH,
    INTERRUPTED,
    REPOSITORY,
    Ports,
    Surroundings,
    VirtualMachine,
    download_wheels,
    make_blank_disk,
    make_images,
    make_kit,
)

pytestmark = pytest.mark.deploy

TEMPLATE = ROOT / "deploy/aws/machine/cloud-init.yaml"
MACHINE = "/opt/homeroom/source/deploy/machine"
SETTINGS = "/srv/homeroom/homeroom.env"
BY_HAND = "Europe/Berlin"
WRITES_BEFORE_THE_POWER_GOES = 40
ROSTER = "name,uid,dob\nGrace Hopper,grace,2009-12-09\nAlan Turing,alan,2010-06-23\n"


def user_data(origin: str = "https://someone.github.io") -> str:
    """The template filled in as Terraform does it."""
    values = {
        "domain": DOMAIN,
        "email": f"teacher@{DOMAIN}",
        'join(",", origins)': origin,
        "repository": REPOSITORY,
        "revision": "first",
        "data_device": DATA_DEVICE,
        "backup_url": "",
        "uploads_url": "",
        "region": "",
        "time_zone": "America/Los_Angeles",
        "acme_server": AUTHORITY_ADDRESS,
    }
    return re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], TEMPLATE.read_text())


def make_repository(folder: Path) -> Path:
    """The class's fork: this checkout as the version `first`, and a later one on `main`."""
    checkout, bare = folder / "checkout", folder / "homeroom.git"

    def git(*command: str, cwd: Path = checkout) -> str:
        identity = ("-c", "user.name=Class", "-c", "user.email=class@example.org")
        done = subprocess.run(
            ["git", *identity, *command], cwd=cwd, capture_output=True, text=True, check=True
        )
        return done.stdout

    for name in git("ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines():
        if (ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--message=First")
    git("tag", "first")
    project = checkout / "pyproject.toml"
    project.write_text(re.sub(r'^version = ".*"', 'version = "9.9.9"', project.read_text(), flags=re.M))
    git("commit", "--quiet", "--all", "--message=The class's next version")
    git("clone", "--quiet", "--bare", str(checkout), str(bare), cwd=folder)
    return bare


class Visitor:
    """HTTPS to the guest by its name, trusting the authority alone."""

    def __init__(self, ports: Ports, root: Path) -> None:
        self.port, self.root = ports.https, root
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("https://", _ByName())

    def request(self, method: str, path: str, **options: object) -> requests.Response:
        return self.session.request(
            method,
            f"https://127.0.0.1:{self.port}{path}",
            headers={"Host": DOMAIN},
            verify=str(self.root),
            timeout=30,
            **options,  # type: ignore[arg-type]
        )

    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/api/health/ready").status_code == 200
        except requests.RequestException:
            return False


class _ByName(requests.adapters.HTTPAdapter):
    """Asks 127.0.0.1 for the site's name, and expects its certificate."""

    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, **options, server_hostname=DOMAIN, assert_hostname=DOMAIN)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Surroundings, Path]]:
    """Image, kit, an empty volume, and an authority that asks port 80 of the guest; with its root."""
    folder = tmp_path_factory.mktemp("machine")
    ports = Ports()
    authority = Authority(folder / "authority", ports.http, name="authority.test")
    with issuing(authority):
        root = authority.root()
        wheels = download_wheels(folder)
        make_images(folder, wheels)
        trusted = {"authority": authority.folder / "endpoint/fullchain.pem", "root": root}
        make_kit(folder, make_repository(folder), wheels, trusted)
        make_blank_disk(folder / "data.img", gibibytes=1)
        yield (
            Surroundings(
                folder,
                FRESH,
                kit=folder / "kit.iso",
                data=folder / "data.img",
                user_data=user_data(),
                authority_port=authority.port,
                ports=ports,
            ),
            root,
        )
    for name in (FRESH, INTERRUPTED, "kit.iso", "data.img"):
        (folder / name).unlink()


def sign_the_teacher_in(machine: VirtualMachine, visitor: Visitor) -> None:
    """By the one-time link that the machine tells its operator, and nobody else."""
    told = machine.run("sudo homeroom-machine link").stdout
    (code,) = re.findall(rf"https://{DOMAIN}/join/#code=(\S+)", told)
    joined = visitor.request("POST", "/api/join", json={"code": code, "password": PASSWORD})
    assert joined.status_code == 200, joined.text
    signed_in = visitor.request("POST", "/api/authenticate", json={"uid": "admin", "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    assert "First sign-in" not in machine.run("sudo homeroom-machine link").stdout


def the_units_recover_from_a_kill(
    machine: VirtualMachine, visitor: Visitor, process: subprocess.Popen[bytes]
) -> None:
    """systemd starts both again, each time with another process."""
    for unit in ("homeroom@8286.service", "nginx.service"):
        killed = machine.run(f"systemctl show --value --property=MainPID {unit}").stdout.strip()
        machine.run(f"sudo systemctl kill --signal=KILL {unit}")

        def another_runs(unit: str = unit, killed: str = killed) -> bool:
            now = machine.run(f"systemctl show --value --property=MainPID {unit}").stdout.strip()
            return now not in ("0", killed) and visitor.is_ready()

        machine.wait_until(another_runs, process, seconds=900)


def write_until_the_power_goes(visitor: Visitor, process: subprocess.Popen[bytes]) -> set[str]:
    """The projects that were acknowledged; the machine is gone in the middle of them."""
    acknowledged: set[str] = set()
    enough = threading.Event()

    def write() -> None:
        number = 0
        while True:
            number += 1
            try:
                made = visitor.request("POST", "/api/projects/", json={"title": f"Work {number}"})
            except requests.RequestException:
                return
            assert made.status_code == 201, made.text
            acknowledged.add(made.json()["title"])
            if number == WRITES_BEFORE_THE_POWER_GOES:
                enough.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert enough.wait(120)
    process.kill()
    thread.join(60)
    assert not thread.is_alive()
    return acknowledged


def titles(visitor: Visitor) -> set[str]:
    """Those of all projects, page by page."""
    found: set[str] = set()
    path: str | None = "/api/projects/"
    while path:
        answer = visitor.request("GET", path)
        found |= {project["title"] for project in answer.json()}
        following = answer.links.get("next", {}).get("url")
        path = following and urlsplit(following)._replace(scheme="", netloc="").geturl()
    return found


def test_shellcheck_finds_nothing_in_what_a_machine_runs() -> None:
    scripts = [
        *ROOT.glob("deploy/**/*.sh"),
        ROOT / "deploy/machine/homeroom",
        ROOT / "deploy/machine/homeroom-machine",
    ]
    checked = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


# What is emulated takes three times as long where others work, too.
@pytest.mark.timeout(5400)
def test_a_machine_comes_from_nothing_to_https_and_when_it_is_lost_the_next_one_goes_on(
    around: tuple[Surroundings, Path], tmp_path: Path
) -> None:
    surroundings, root = around
    visitor = Visitor(surroundings.ports, root)
    machine = VirtualMachine(tmp_path, "first", surroundings)
    with machine.running() as process:
        machine.wait_until(visitor.is_ready, process, seconds=2400)
        certificate = serial(surroundings.ports.https, root)
        assert certificate is not None
        sign_the_teacher_in(machine, visitor)
        machine.run("sudo homeroom roster import -", stdin=ROSTER)
        the_units_recover_from_a_kill(machine, visitor, process)
        # Backup and drill run at the end of the installation.
        machine.wait_until(
            lambda: machine.run("sudo homeroom-machine status", check=False).returncode == 0,
            process,
            seconds=900,
        )
        with under_load(
            surroundings.ports.https, root, at_least=200, seconds=2400, pause_s=PAUSE_WITHIN_LIMITS_S
        ) as load:
            # An emulated processor installs a version while people ask: that alone takes minutes.
            machine.run("sudo homeroom-machine update main", seconds=2400)
        assert load.done >= 200
        assert load.failures == {}
        assert "9.9.9" in machine.run("readlink --canonicalize /opt/homeroom/current").stdout
        root_disk = machine.run("findmnt --noheadings --output SOURCE /").stdout.strip()
        refused = machine.run(f"sudo {MACHINE}/mount-volume.sh {root_disk}", check=False)
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert f"{root_disk} is neither blank nor Homeroom's volume; it is left as it is." in refused.stderr
        machine.run(f"sudo sed -i s,^TIME_ZONE=.*,TIME_ZONE={BY_HAND}, {SETTINGS}")
        acknowledged = write_until_the_power_goes(visitor, process)
    # Whoever started the second one switched it off during the installation, and on again.
    asked = replace(surroundings, root_disk=INTERRUPTED, user_data=user_data("https://another.github.io"))
    second = VirtualMachine(tmp_path, "second", asked)
    with second.running() as process:
        second.wait_until(visitor.is_ready, process, seconds=2400)
        # The cookie of before is still good: key, accounts, certificate and settings are on the volume.
        assert visitor.request("GET", "/api/id").json()["uid"] == "admin"
        assert {person["uid"] for person in visitor.request("GET", "/api/users/").json()} >= {"grace", "alan"}
        assert serial(surroundings.ports.https, root) == certificate
        assert acknowledged <= titles(visitor)
        written = second.run(f"sudo cat {SETTINGS}").stdout.splitlines()
        assert {"FRONTEND_ORIGINS=https://another.github.io", f"TIME_ZONE={BY_HAND}"} <= set(written)
