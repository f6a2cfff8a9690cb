"""A machine without containers, for tests and the rehearsal: versions below a folder, two ports, Nginx."""

import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy import supervisor
from tests.deploy.containers import ROOT
from tests.deploy.proxy import Nginx, answers, curl, wait_for
from tests.servers import free_port

# Called from any folder.
SERVICE = shlex.join(["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.deploy.bare_service"])
NGINX = "nginx"
# Five seconds on two quiet cores; other tests may write gigabytes to the same disk meanwhile.
BOOT_TIMEOUT_S = 120


class BareMachine:
    """Where everything is, and what an operator does there."""

    def __init__(self, folder: Path, **nginx: object) -> None:
        self.folder = folder
        self.installed = folder / "opt"
        self.installed.mkdir()
        self.ports = (free_port(), free_port())
        self._last_answer = "none"
        self.nginx = Nginx(
            folder,
            upstream_file=self.installed / "upstream.conf",
            # One machine asks for a whole school.
            requests_per_second=100_000,
            burst=100_000,
            connections=10_000,
            **nginx,
        )
        self.configure()

    def configure(self, **settings: str) -> None:
        """Write what is /etc/homeroom/homeroom.env on a real machine."""
        self.settings = {
            "HOMEROOM_ENV": "production",
            "INSTANCE_PATH": f"{self.folder}/instance",
            "BACKUP_URL": (self.folder / "backups").as_uri(),
            "TRUSTED_PROXIES": "1",
            "LOG_LEVEL": "WARNING",
            "SITE_URL": self.nginx.address,
        } | settings
        lines = [f"{name}={value}\n" for name, value in self.settings.items()]
        (self.installed / "homeroom.env").write_text("".join(lines))

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

    def update_command(self, checkout: Path, *options: str) -> list[str | Path]:
        return [
            *(sys.executable, "-m", "homeroom", "deploy", "update", checkout),
            *("--folder", self.installed, "--env-file", self.installed / "homeroom.env"),
            *("--port", str(self.ports[0]), str(self.ports[1])),
            *("--start", f"{SERVICE} start {self.installed} {{port}}"),
            *("--stop", f"{SERVICE} stop {self.installed} {{port}}"),
            *("--at-boot", "true"),
            *("--test", shlex.join([*self.nginx.command, "-t"])),
            *("--reload", shlex.join([*self.nginx.command, "-s", "reload"])),
            # Two cores may be shared with other tests: wait for what must come.
            *("--ready-timeout", "120", "--watch", "3"),
            *options,
        ]

    def update(self, checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.update_command(checkout, *options),
            # Most of an installation is compiling what no test imports. (pip takes "no" for yes here:
            # https://pip.pypa.io/en/stable/topics/configuration/#boolean-options)
            env=os.environ | {"PIP_NO_COMPILE": "no"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def homeroom(self, *arguments: str) -> str:
        """What a command of the version that serves prints, with the service's settings."""
        done = subprocess.run(
            [self.installed / "current/bin/homeroom", *arguments],
            env=os.environ | self.settings,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"homeroom {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def live_port(self) -> str:
        (port,) = re.findall(r"127\.0\.0\.1:(\d+);", (self.installed / "upstream.conf").read_text())
        return port

    def version(self) -> str:
        """The version that answers through Nginx."""
        return re.findall(r'"version": ?"([^"]+)"', curl(self.nginx, "/api/openapi.json").body)[0]

    def first_link(self) -> str:
        """The one-time link of the first admin, from where a journal would have it."""
        log = (self.installed / f"{self.ports[0]}.log").read_text()
        return re.findall(r"https\S+/join/#code=\S+", log)[-1]

    def damage(self) -> str:
        """What SQLite finds when it looks at all of the database."""
        with sqlite3.connect(self.folder / "instance/homeroom.db") as connection:
            (told,) = connection.execute("PRAGMA integrity_check").fetchone()
        connection.close()
        return str(told)

    def use_this_checkout(self) -> None:
        """Serve what the tests themselves run on: nothing is built, for tests that are about processes."""
        for port in self.ports:
            slot = self.installed / "slots" / str(port)
            slot.parent.mkdir(exist_ok=True)
            slot.symlink_to(sys.prefix)
        (self.installed / "current").symlink_to(sys.prefix)
        (self.installed / "upstream.conf").write_text(f"server 127.0.0.1:{self.ports[0]};\n")

    def start_nginx(self) -> None:
        supervisor.start(self.installed, NGINX, self.nginx.command, dict(os.environ))
        wait_for(self.nginx.answers, "Nginx did not start", self.nginx.error_log)

    def cut_power(self) -> None:
        """All processes are gone at once, and nobody starts them again."""
        supervisor.cut_power(self.installed)
        ports = (*self.ports, self.nginx.http_port, self.nginx.https_port)
        wait_for(lambda: not any(map(answers, ports)), "something still runs", self._logs)

    def boot(self) -> None:
        """The machine starts: by the very line of homeroom.service, with a `systemctl` of ours, and Nginx."""
        unit = (ROOT / "deploy/systemd/homeroom.service").read_text()
        (line,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
        # What systemd makes of it.
        line = line.replace("$$", "$").replace("\\\\", "\\").replace("/opt/homeroom", str(self.installed))
        systemctl = self.installed / "bin/systemctl"
        systemctl.parent.mkdir(exist_ok=True)
        systemctl.write_text(f'#!/bin/sh\nexec {SERVICE} "$1" {self.installed} "$3"\n')
        systemctl.chmod(stat.S_IRWXU)
        path = f"{systemctl.parent}:{os.environ['PATH']}"
        subprocess.run(["/bin/sh", "-c", line], env=os.environ | {"PATH": path}, check=True)
        self.start_nginx()

    def wait_until_ready(self) -> None:
        wait_for(self._ready, "the site did not come back", self._logs, BOOT_TIMEOUT_S)

    def _ready(self) -> bool:
        try:
            answer = curl(self.nginx, "/api/health/ready")
        except ConnectionError as error:
            self._last_answer = str(error)
            return False
        self._last_answer = f"{answer.status} {answer.body}"
        return answer.status == 200

    def _logs(self) -> str:
        logs = "".join(path.read_text()[-2000:] for path in self.installed.glob("*.log"))
        running = subprocess.run(
            ["ps", "-eo", "pid,ppid,stat,etimes,wchan:20,args"], capture_output=True, text=True
        )
        mine = [line[:200] for line in running.stdout.splitlines() if str(self.folder) in line]
        return "\n".join([logs, *mine, f"The last answer: {self._last_answer}"])

    def stop(self) -> None:
        for file in self.installed.glob("*.supervisor"):
            supervisor.stop(self.installed, file.stem)


@contextmanager
def running(machine: BareMachine) -> Iterator[BareMachine]:
    """A machine, with everything on it stopped at the end."""
    try:
        yield machine
    finally:
        machine.stop()
