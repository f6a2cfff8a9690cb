"""An update without downtime: the new version on the free one of two ports, then Nginx leads there.

The old one serves until the new one has shown that it can, and takes over again if it cannot.
"""

import fcntl
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from homeroom.deploy.health import unreadiness
from homeroom.deploy.releases import build_release, forget_old_releases

POLL_S = 0.2
_COMMAND_TIMEOUT_S = 120


class UpdateError(Exception):
    """The new version does not serve; the text says why, and what serves instead."""


@dataclass(frozen=True)
class Installation:
    """Homeroom on a machine without containers, and the commands that start and stop it there."""

    folder: Path
    start: str = "systemctl enable --now homeroom@{port}"
    stop: str = "systemctl disable --now homeroom@{port}"
    test: str = "nginx -t -q"
    reload: str = "systemctl reload nginx"
    # Whom the data belongs to: what migrates is run as that user.
    user: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, int] = (8286, 8287)
    ready_timeout_s: float = 60
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

    def live_port(self) -> int | None:
        """The port that Nginx leads to; None before the first version."""
        if not self.upstream.exists():
            return None
        found = re.search(r"127\.0\.0\.1:(\d+);", self.upstream.read_text())
        if found is None or int(found[1]) not in self.ports:
            raise UpdateError(
                f"{self.upstream} names none of the ports {self.ports}; write one of them there."
            )
        return int(found[1])


def update(
    installation: Installation, source: Path, *, maintenance: bool, say: Callable[[str], None]
) -> Path:
    """Bring the version at `source` to the site; the release that serves then is returned.

    Raises:
        ReleaseError: it could not be built; nothing was changed.
        UpdateError: it does not serve; the one before does, if there was one.
    """
    with _alone(installation.folder):
        live = installation.live_port()
        new = next(port for port in installation.ports if port != live)
        if unreadiness(_address(new)) is None:
            raise UpdateError(
                f"Port {new} is in use: stop what answers there; it is to be the new version's."
            )
        say(f"Installing {source} beside what is there …")
        release = build_release(source, installation.releases)
        _point(installation.slot(new), release)
        if maintenance and live is not None:
            say("Stopping the old version for the migration; Nginx shows the maintenance page.")
            _call(installation.stop, port=live)
        _take_over(installation, live, new, release, maintenance=maintenance, say=say)
        _point(installation.folder / "current", release)
        in_use = {installation.slot(port).resolve() for port in installation.ports}
        forget_old_releases(installation.releases, keep=in_use)
        return release


def _take_over(
    installation: Installation,
    live: int | None,
    new: int,
    release: Path,
    *,
    maintenance: bool,
    say: Callable[[str], None],
) -> None:
    try:
        say("Migrating …")
        _prepare(installation, release, compatible_only=live is not None and not maintenance)
        say(f"Starting the new version on port {new} …")
        _call(installation.start, port=new)
        _wait_until_ready(new, installation.ready_timeout_s)
        if live is None:
            _lead_to(installation, new)
            return
        say(f"It is ready: Nginx leads to port {new} now.")
        _switch(installation, new)
        _watch(new, installation.watch_s)
    except UpdateError as error:
        _return_to(installation, live, new, maintenance=maintenance)
        served = "Nothing serves yet." if live is None else f"The version before serves on port {live}."
        raise UpdateError(f"{error}\n{served}") from None
    if not maintenance:
        say("Stopping the old version.")
        _call(installation.stop, port=live)


def _return_to(installation: Installation, live: int | None, new: int, *, maintenance: bool) -> None:
    """The version before takes over again."""
    if live is not None:
        if maintenance:
            _call(installation.start, port=live)
            _wait_until_ready(live, installation.ready_timeout_s)
        if installation.live_port() != live:
            _switch(installation, live)
    _call(installation.stop, port=new)


def _prepare(installation: Installation, release: Path, *, compatible_only: bool) -> None:
    command = [str(release / "bin/homeroom"), "prepare"]
    if compatible_only:
        command.append("--compatible-only")
    if site := installation.settings.get("SITE_URL"):
        command += ["--site", site]
    _run(command, env=os.environ | dict(installation.settings), user=installation.user)


def _switch(installation: Installation, port: int) -> None:
    """Lead Nginx to a port; a configuration that it refuses is taken back."""
    before = installation.live_port()
    _lead_to(installation, port)
    try:
        _call(installation.test)
        _call(installation.reload)
    except UpdateError:
        if before is not None:
            _lead_to(installation, before)
        raise


def _lead_to(installation: Installation, port: int) -> None:
    """Written aside and renamed: Nginx never reads half of it."""
    aside = installation.upstream.with_suffix(".new")
    aside.write_text(f"# Written by `homeroom deploy update`.\nserver 127.0.0.1:{port};\n")
    aside.replace(installation.upstream)


def _point(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    aside = link.with_name(f"{link.name}.new")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(link)


def _wait_until_ready(port: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while (reason := unreadiness(_address(port))) is not None:
        if time.monotonic() > deadline:
            raise UpdateError(f"The version on port {port} is not ready after {timeout_s:.0f} s: {reason}")
        time.sleep(POLL_S)


def _watch(port: int, seconds: float) -> None:
    """See whether it stays ready, under what people ask of it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reason = unreadiness(_address(port))
        if reason is not None:
            raise UpdateError(f"The new version became unready: {reason}")
        time.sleep(POLL_S)


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _call(template: str, *, port: int | None = None) -> None:
    _run([part.format(port=port) for part in shlex.split(template)])


def _run(command: list[str], *, env: Mapping[str, str] | None = None, user: str | None = None) -> None:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own commands, without a shell
            command, env=env, user=user, group=user, capture_output=True, text=True,
            timeout=_COMMAND_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpdateError(f"{shlex.join(command)}: {error}") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise UpdateError(f"{shlex.join(command)} failed:\n" + "\n".join(lines[-8:]))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One update at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "update.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpdateError("Another update is under way; wait for its end.") from None
        yield
