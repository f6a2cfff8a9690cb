"""What systemd does on a real machine, for tests: start and stop the version of a port as a bare process.

`python bare_service.py start|stop FOLDER PORT`; the settings are those of the environment.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STOP_TIMEOUT_S = 30


def start(folder: Path, port: str) -> None:
    with (folder / f"{port}.log").open("ab") as log:
        process = subprocess.Popen(
            [folder / "slots" / port / "bin/homeroom", "serve", "--port", port, "--workers", "2"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder / f"{port}.pid").write_text(str(process.pid))


def stop(folder: Path, port: str) -> None:
    """The main process alone is told, as systemd's KillMode=mixed does; it ends its workers."""
    pid_file = folder / f"{port}.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _runs(pid):
        if time.monotonic() > deadline:
            sys.exit(f"process {pid} does not stop")
        time.sleep(0.05)
    pid_file.unlink()


def _runs(pid: int) -> bool:
    """Whether a process does anything; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
