"""A Docker of the tests' own, with local images in place of the official ones.

No registry is asked. They are Debian's Python and Debian's PostgreSQL, tagged with the official images'
names: what is shown is our Dockerfile and compose file, not those images.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim"
POSTGRESQL = "docker.io/library/postgres:17"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PIP_SETTINGS = f"[global]\\ncert = {CERTIFICATES}\\n"
_PYTHON_HOOKS = (
    'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
    'for name in python python3; do ln -s /usr/bin/python3 "$1"/usr/local/bin/$name; done',
    f"copy-in {CERTIFICATES} /etc/ssl/certs",
    f'printf "{PIP_SETTINGS}" > "$1"/etc/pip.conf',
)
_ENTRY_POINT = "/usr/local/bin/postgres-entry-point.sh"
_POSTGRESQL_HOOKS = (
    'ln -s "$(cd "$1" && echo /usr/lib/postgresql/*/bin)"/* "$1"/usr/local/bin',
    f"copy-in {Path(__file__).with_name('postgres-entry-point.sh')} /usr/local/bin",
    'rm -rf "$1"/var/lib/postgresql/*',
)


class Docker:
    """A running daemon, and the commands that talk to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": str(folder),
        }

    def run(self, *command: str, folder: Path = ROOT) -> str:
        """What a command prints; a failure is told with its words."""
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def docker(self, *arguments: str) -> str:
        # Debian's, by its path: another program of that name may stand before it.
        return self.run("/usr/bin/docker", *arguments)


def import_python(docker: Docker) -> None:
    """The image that the Dockerfile begins with."""
    archive = _make_system(docker, "python3,python3-pip,python3-venv,ca-certificates", _PYTHON_HOOKS)
    docker.docker("import", "--change", "ENV LANG=C.UTF-8", str(archive), BASE)


def import_postgresql(docker: Docker) -> None:
    """The database of the compose file's profile."""
    archive = _make_system(docker, "postgresql", _POSTGRESQL_HOOKS)
    entry_point = f'ENTRYPOINT ["{_ENTRY_POINT}"]'
    docker.docker(
        *("import", "--change", "ENV LANG=C.UTF-8", "--change", entry_point),
        *(str(archive), POSTGRESQL),
    )


def _make_system(docker: Docker, packages: str, hooks: tuple[str, ...]) -> Path:
    """A small Debian with these packages, as a root file system."""
    archive = docker.folder / "system.tar"
    command = [
        *("mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io"),
        f"--include={packages}",
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *(f"--customize-hook={hook}" for hook in hooks),
        *("bookworm", str(archive)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return archive


@contextmanager
def private_docker(folder: Path) -> Iterator[Docker]:
    """A daemon that touches no other: its own socket and folders; ended by its own process id."""
    docker = Docker(folder)
    command = [
        *("dockerd", "--host", docker.environment["DOCKER_HOST"], "--data-root", str(folder / "data")),
        *("--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid"), "--bridge=none"),
        *("--iptables=false", "--ip6tables=false"),
    ]
    with (folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for_socket(folder / "docker.sock", daemon)
        yield docker
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(timeout=60)
        # A network namespace stays mounted there and would keep the folder from being removed.
        subprocess.run(["umount", str(folder / "exec/netns/default")], check=False, capture_output=True)
        shutil.rmtree(folder / "data", ignore_errors=True)


def _wait_for_socket(socket: Path, daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not socket.exists():
        assert daemon.poll() is None, (socket.parent / "dockerd.log").read_text()[-3000:]
        assert time.monotonic() < deadline, "dockerd did not start"
        time.sleep(0.1)
