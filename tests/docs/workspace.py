"""A copy of the repository in which a test runs the commands of one document, with real servers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from homeroom.config import Config
from tests.servers import START_TIMEOUT_S, free_ports

ROOT = Path(__file__).parents[2]
COMMAND_TIMEOUT_S = 120
# The commands that keep running, by what they start.
SERVERS = {
    "api": re.compile(r"\bmake run\b|\bhomeroom (run|serve)\b"),
    "pages": re.compile(r"\bhomeroom site serve\b"),
}


class Workspace:
    """Runs commands as they're written, except for ports and for `make` targets that take minutes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api_port, self.pages_port = free_ports(2)
        self.api = f"http://localhost:{self.api_port}"
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        _copy_repository(folder)
        _link_virtual_environment(folder / ".venv")
        settings = {name.upper() for name in Config.model_fields}
        self._environment = {name: value for name, value in os.environ.items() if name not in settings} | {
            # As a reader's: the virtual environment's commands are found by their path alone.
            "PATH": os.pathsep.join(_without_homeroom(os.environ["PATH"])),
            # The copy's modules, not those that the virtual environment points to.
            "PYTHONPATH": str(folder / "src"),
            "HOME": str(folder.parent),
            # make takes a variable from the environment: `make run` is `make run PORT=…`.
            "PORT": str(self.api_port),
        }

    def run(self, command: str, statuses: frozenset[int] = frozenset({0})) -> str:
        """Run a command and return its output. One that serves keeps running until the next of its kind."""
        command = self._adapt(command)
        for kind, pattern in SERVERS.items():
            if pattern.search(command):
                self._serve(kind, command)
                return ""
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert done.returncode in statuses, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def output_of(self, kind: str) -> str:
        """Return what a server has printed so far."""
        return self._log(kind).read_text()

    def stop(self) -> None:
        """End every server by its own process group."""
        for kind in list(self._servers):
            self._stop(kind)

    def _adapt(self, command: str) -> str:
        """Use this workspace's ports, and only check that other `make` targets exist: `make --dry-run`."""
        command = re.sub(r"\bmake (?!run\b)", "make --dry-run ", command)
        command = command.replace("http://localhost:8086", self.api)
        if command.startswith("curl"):
            command = command.replace("https://class.example.org", self.api)
        return command.replace(
            "homeroom site serve", f"homeroom site serve --port {self.pages_port} --api {self.api}"
        )

    def _serve(self, kind: str, command: str) -> None:
        self._stop(kind)
        with self._log(kind).open("wb") as log:
            self._servers[kind] = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ready = f"{self.api}/api/health/ready" if kind == "api" else f"http://localhost:{self.pages_port}/"
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(ready):
            assert self._servers[kind].poll() is None, f"{command}\n{self.output_of(kind)}"
            assert time.monotonic() < deadline, f"{command} isn't ready\n{self.output_of(kind)}"
            time.sleep(0.05)

    def _stop(self, kind: str) -> None:
        if process := self._servers.pop(kind, None):
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            except ProcessLookupError:
                process.wait()

    def _log(self, kind: str) -> Path:
        return self.folder.parent / f"{kind}.log"


def _without_homeroom(path: str) -> list[str]:
    return [folder for folder in path.split(os.pathsep) if not (Path(folder) / "homeroom").exists()]


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).ok
    except requests.RequestException:
        return False


def _copy_repository(folder: Path) -> None:
    """Copy the files that git knows or would add, with old dates: `make` then finds nothing to install."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, copy = ROOT / name, folder / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
            os.utime(copy, (0, 0))


def _link_virtual_environment(folder: Path) -> None:
    """Share the packages of the environment that runs the tests, but not the marks that `make` leaves."""
    folder.mkdir()
    for item in Path(sys.prefix).iterdir():
        if item.suffix not in (".done", ".log"):
            (folder / item.name).symlink_to(item)
    for name in ("run.done", "dev.done", "bench.done"):
        (folder / name).touch()
