"""Homeroom on a machine without containers: which version a port has, and where Nginx leads.

One file says which port serves, and Nginx and the machine's start both read it: whenever the power goes,
the two cannot disagree.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from homeroom.data.files import replace_file

_COMMAND_TIMEOUT_S = 120
# Rows of many years may have to be rewritten.
_MIGRATION_TIMEOUT_S = 3600


class UpdateError(Exception):
    """The new version does not serve; the text says why, and what serves instead."""


@dataclass(frozen=True)
class Installation:
    """Where the versions are, and the commands that start and stop them there."""

    folder: Path
    start_command: str = "systemctl start homeroom@{port}"
    # It must also succeed where nothing runs.
    stop_command: str = "systemctl stop homeroom@{port}"
    at_boot_command: str = "systemctl enable --quiet homeroom.service"
    test_command: str = "nginx -t -q"
    reload_command: str = "systemctl reload nginx"
    # Whom the data belongs to: what migrates is run as that user.
    user: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, int] = (8286, 8287)
    # A machine that has used up its share of the processor takes minutes, and the version before serves on.
    ready_timeout_s: float = 180
    # How long the new one is watched, and Nginx's old workers may finish what they have begun.
    watch_s: float = 10

    @property
    def upstream(self) -> Path:
        """What Nginx includes: which port serves."""
        return self.folder / "upstream.conf"

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    def slot(self, port: int) -> Path:
        """A link to the release that a port serves."""
        return self.folder / "slots" / str(port)

    def releases_in_use(self) -> set[Path]:
        """Those that a port has."""
        return {self.slot(port).resolve() for port in self.ports}

    def live_port(self) -> int | None:
        """The port that Nginx leads to; None before the first version."""
        if not self.upstream.exists():
            return None
        found = re.search(r"127\.0\.0\.1:(\d+);", self.upstream.read_text())
        if found is None or int(found[1]) not in self.ports:
            raise UpdateError(
                f"{self.upstream} names none of the ports {self.ports}. Write one of them there: "
                "server 127.0.0.1:PORT;"
            )
        return int(found[1])

    def lead_to(self, port: int) -> None:
        """Write down which port serves: for Nginx at its next reload, and for the machine's next start."""
        replace_file(
            self.upstream,
            f"# Written by `homeroom deploy update`.\nserver 127.0.0.1:{port};\n".encode(),
            mode=0o644,
        )
        point(self.folder / "current", self.slot(port))

    def start(self, port: int) -> None:
        """Start the version of a port.

        Raises:
            UpdateError: the command fails; so with the others below.
        """
        _call(self.start_command, port=port)

    def stop(self, port: int) -> None:
        """Stop the version of a port, if it runs."""
        _call(self.stop_command, port=port)

    def start_at_boot(self) -> None:
        """Let the machine start what Nginx leads to, when it starts itself."""
        _call(self.at_boot_command)

    def check_nginx(self) -> None:
        """Let Nginx look at its configuration."""
        _call(self.test_command)

    def reload_nginx(self) -> None:
        """Let Nginx read its configuration anew."""
        _call(self.reload_command)

    def prepare(self, release: Path, *, compatible_only: bool) -> None:
        """Migrate by a release's own command, as whom the data belongs to.

        Raises:
            UpdateError: it refuses or fails; the tables are as they were.
        """
        command = [str(release / "bin/homeroom"), "prepare"]
        if compatible_only:
            command.append("--compatible-only")
        if site := self.settings.get("SITE_URL"):
            command += ["--site", site]
        environment = os.environ | dict(self.settings)
        _run(command, timeout_s=_MIGRATION_TIMEOUT_S, env=environment, user=self.user)


def _call(template: str, *, port: int | None = None) -> None:
    """Run one of the operator's commands.

    Raises:
        UpdateError: it fails, with its words.
    """
    _run([part.format(port=port) for part in shlex.split(template)], timeout_s=_COMMAND_TIMEOUT_S)


def point(link: Path, target: Path) -> None:
    """Let a link lead to a target: made aside and renamed, so that it is there at every moment."""
    link.parent.mkdir(parents=True, exist_ok=True)
    aside = link.with_name(f"{link.name}.new")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(link)


def _run(
    command: list[str], *, timeout_s: float, env: Mapping[str, str] | None = None, user: str | None = None
) -> None:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own commands, without a shell
            command, env=env, user=user, group=user, capture_output=True, text=True, timeout=timeout_s,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpdateError(f"{shlex.join(command)}: {error}") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise UpdateError(f"{shlex.join(command)} failed:\n" + "\n".join(lines[-8:]))
