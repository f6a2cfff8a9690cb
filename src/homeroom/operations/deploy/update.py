"""An update without downtime: the new version on the free one of two ports, then Nginx leads there.

The old one serves until the new one has shown that it can, and takes over again if it cannot. Wherever it is
cut off, the machine's next start brings back a version that serves, and the next update tidies up.
"""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from homeroom.data.locks import hold
from homeroom.operations.deploy.health import unreadiness
from homeroom.operations.deploy.installation import Installation, UpdateError, point
from homeroom.operations.deploy.releases import build_release, forget_releases

POLL_S = 0.2


@dataclass(frozen=True)
class _Change:
    """One release that is to take over, and what it takes over from."""

    on: Installation
    release: Path
    new: int
    # The port that serves now, and what the new one's port had before; None: nothing yet.
    live: int | None
    replaced: Path | None
    maintenance: bool
    say: Callable[[str], None]


def update(
    installation: Installation, source: Path, *, maintenance: bool, say: Callable[[str], None]
) -> Path:
    """Bring the version at `source` to the site; the release that serves then is returned.

    Raises:
        ReleaseError: it could not be built; nothing was changed.
        UpdateError: it does not serve, and the one before does, if there was one; or it serves, and the one
            before could not be stopped. The text says which.
    """
    try:
        with _alone(installation.folder):
            live = installation.live_port()
            new = next(port for port in installation.ports if port != live)
            _free(installation, new)
            forget_releases(installation.releases, keep=installation.releases_in_use())
            say(f"Installing {source} …")
            release = build_release(source, installation.releases, at_hand=_at_hand(installation, live))
            slot = installation.slot(new)
            replaced = slot.readlink() if slot.is_symlink() else None
            change = _Change(installation, release, new, live, replaced, maintenance, say)
            _take_over(change)
            forget_releases(installation.releases, keep=installation.releases_in_use())
            if live is not None:
                _stop_old(change, live)
            return release
    except OSError as error:
        raise UpdateError(f"{error.filename or installation.folder}: {error.strerror}.") from None


def _at_hand(installation: Installation, live: int | None) -> list[Path]:
    """What may have the new version's packages: this program, and what serves. Both are whole on the disk."""
    return [Path(sys.prefix), *([] if live is None else [installation.slot(live)])]


def _free(installation: Installation, port: int) -> None:
    """Stop what an update that was cut off may have left on the port; it would change versions by itself."""
    if installation.slot(port).is_symlink():
        installation.stop(port)
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return
    raise UpdateError(f"Port {port} is in use, but the new version needs it. Stop the program that uses it.")


def _take_over(change: _Change) -> None:
    try:
        point(change.on.slot(change.new), change.release)
        if change.maintenance and change.live is not None:
            _make_way(change, change.live)
        _bring_up(change)
        if change.live is None:
            change.on.lead_to(change.new)
        else:
            _lead_over(change)
    except (UpdateError, OSError) as error:
        raise UpdateError(f"{error}\n{_go_back(change)}") from None
    except KeyboardInterrupt:
        raise UpdateError(f"Interrupted.\n{_go_back(change)}") from None


def _make_way(change: _Change, live: int) -> None:
    """Stop the old version before the migration, after which it may never start again by itself."""
    change.say("Stopping the old version for the migration. Nginx shows the maintenance page.")
    change.on.stop(live)
    # A machine that starts again from here on migrates and serves the new one, never the old one.
    os.sync()
    change.on.lead_to(change.new)


def _bring_up(change: _Change) -> None:
    change.say("Migrating …")
    compatible_only = change.live is not None and not change.maintenance
    change.on.prepare(change.release, compatible_only=compatible_only)
    change.on.start_at_boot()
    change.say(f"Starting the new version on port {change.new} …")
    change.on.start(change.new)
    _wait_until_ready(change.new, change.on.ready_timeout_s)
    # What the machine starts with next must be whole on the disk, before it is told to.
    os.sync()


def _lead_over(change: _Change) -> None:
    change.say(f"Ready. Nginx now uses port {change.new}.")
    _switch(change.on, change.new)
    _watch(change.new, change.on.watch_s)


def _go_back(change: _Change) -> str:
    """The version before takes over again; what serves then, in a sentence."""
    try:
        if change.live is not None:
            _return_to(change, change.live)
        # Only now: as long as Nginx was not told otherwise, it may lead there.
        change.on.stop(change.new)
        _undo(change)
    except (UpdateError, OSError) as error:
        return (
            f"Going back failed too, and what is running was left running: {error}\n"
            "Correct that, then start the update again."
        )
    if change.live is None:
        return "No version is serving yet."
    return f"The previous version is serving on port {change.live}."


def _return_to(change: _Change, live: int) -> None:
    if change.maintenance:
        change.on.start(live)
        _wait_until_ready(live, change.on.ready_timeout_s)
    if change.on.live_port() != live:
        _switch(change.on, live)


def _undo(change: _Change) -> None:
    """The port has again what it had; what was built is of no use."""
    slot = change.on.slot(change.new)
    if change.replaced is None:
        slot.unlink(missing_ok=True)
    else:
        point(slot, change.replaced)
    shutil.rmtree(change.release)


def _switch(installation: Installation, port: int) -> None:
    """Lead Nginx to a port; a configuration that it refuses is taken back before it reads it."""
    before = installation.live_port()
    installation.lead_to(port)
    try:
        installation.check_nginx()
    except UpdateError:
        if before is not None:
            installation.lead_to(before)
        raise
    installation.reload_nginx()


def _stop_old(change: _Change, live: int) -> None:
    if change.maintenance:
        return
    change.say("Stopping the old version.")
    try:
        change.on.stop(live)
    except UpdateError as error:
        raise UpdateError(
            f"{error}\nThe new version is serving on port {change.new}, but the old one couldn't be stopped: "
            f"stop it on port {change.live}."
        ) from None


def _wait_until_ready(port: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while (reason := unreadiness(_address(port))) is not None:
        if time.monotonic() > deadline:
            raise UpdateError(f"The version on port {port} isn't ready after {timeout_s:.0f} s: {reason}")
        time.sleep(POLL_S)


def _watch(port: int, seconds: float) -> None:
    """See whether it stays ready, under what people ask of it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reason = unreadiness(_address(port))
        if reason is not None:
            raise UpdateError(f"The new version stopped being ready: {reason}")
        time.sleep(POLL_S)


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One update at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "update.lock").open("w") as lock:
        hold(lock, UpdateError("Another update is running. Wait until it ends."))
        yield
