"""What systemd does for a service with Restart=always, for tests and the rehearsal.

`python supervisor.py keep FOLDER NAME COMMAND…` runs a command until it is told to stop. Whatever ends it
before, it is run again, as RestartSec=1 and KillMode=mixed have it: what is left of it is killed first.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

RESTART_S = 1
STOP_TIMEOUT_S = 30


def start(folder: Path, name: str, command: Sequence[str | Path], environment: dict[str, str]) -> None:
    """Keep a command running from now on; one that is kept already is left alone."""
    if _keeper(folder, name) is not None:
        return
    # By a process between them that ends at once: whoever starts it is not its parent.
    subprocess.run([sys.executable, __file__, "start", folder, name, *command], env=environment, check=True)


def _start(folder: Path, name: str, command: Sequence[str]) -> None:
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, __file__, "keep", folder, name, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / f"{name}.supervisor").write_text(str(process.pid))


def stop(folder: Path, name: str) -> None:
    """Tell the main process alone, and wait for its end; nothing is done where nothing runs."""
    pid = _keeper(folder, name)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S + 5
    while runs(pid):
        if time.monotonic() > deadline:
            sys.exit(f"process {pid} does not stop")
        time.sleep(0.05)
    (folder / f"{name}.supervisor").unlink()


def main_pid(folder: Path, name: str) -> int:
    """The process that a service began with; it leads the group of all its processes."""
    file = folder / f"{name}.main"
    assert file.exists(), f"{name} does not run"
    return int(file.read_text())


def kill(folder: Path, names: Sequence[str]) -> None:
    """`kill -9` of all processes of these services, at once."""
    for name in names:
        with suppress(ProcessLookupError):
            os.killpg(main_pid(folder, name), signal.SIGKILL)


def cut_power(folder: Path) -> None:
    """`kill -9` of everything that is kept here, and of what keeps it: nothing comes back by itself."""
    for file in folder.glob("*.supervisor"):
        if (pid := _keeper(folder, file.stem)) is not None:
            os.kill(pid, signal.SIGKILL)
        file.unlink()
    for file in folder.glob("*.main"):
        kill(folder, [file.stem])
        file.unlink()


def runs(pid: int) -> bool:
    """Whether a process does anything; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _keeper(folder: Path, name: str) -> int | None:
    """The process that keeps a service; None where none does. Another may have its number by now."""
    file = folder / f"{name}.supervisor"
    if not file.exists():
        return None
    pid = int(file.read_text())
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pid if {str(folder).encode(), name.encode()} <= set(command) else None


def _keep(folder: Path, name: str, command: Sequence[str]) -> None:
    told = threading.Event()
    # Told between two runs, it has nobody to pass it on to.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: told.set())
    while not told.is_set():
        process = subprocess.Popen(command, start_new_session=True)
        (folder / f"{name}.main").write_text(str(process.pid))
        while process.poll() is None and not told.wait(0.05):
            pass
        if process.poll() is None:
            _end(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        told.wait(RESTART_S)
    # Its number may be another's soon.
    (folder / f"{name}.main").unlink()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    {"start": _start, "keep": _keep}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
