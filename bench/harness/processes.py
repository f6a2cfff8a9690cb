"""Services as processes of their own: started, waited for, stopped by process id, on loopback only."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

START_TIMEOUT_S = 30
# Fine enough for measuring how long a start takes.
LOOK_EVERY_S = 0.005
STOP_TIMEOUT_S = 10
LOOPBACK = "127.0.0.1"
# A certificate needs a name; this one can be nobody's (RFC 6761).
DOMAIN = "class.homeroom.test"
BENCH = Path(__file__).parent.parent


class ServiceFailedError(Exception):
    """A service did not start or did not answer as it must; the text says which and how."""


@dataclass(frozen=True)
class Service:
    """A running service: where it is, what a signed-in caller sends, and what else works for it."""

    name: str
    address: str
    process: psutil.Process
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    # A database's server, or a proxy in front.
    others: tuple[psutil.Process, ...] = ()

    @property
    def url(self) -> str:
        """What is asked for when the list is asked for."""
        return self.address + self.path

    def workers(self) -> list[psutil.Process]:
        """The processes that answer: those that the service started, but no helper without a socket."""
        children = self.process.children(recursive=True)
        return [child for child in children if child.net_connections(kind="inet")] or [self.process]


def last_line(text: str) -> str:
    """What a failing program said last, which is where Python tells the reason."""
    lines = text.strip().splitlines()
    return lines[-1].strip()[:300] if lines else "nothing"


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    ready_path: str = "/",
    host: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, psutil.Process]]:
    """A service's address and main process, once it answers; what it wrote is told if it fails.

    Args:
        host: the name that it answers to, where it isn't its address.

    Raises:
        ServiceFailedError: it ended, or gave no answer in time.
    """
    address = f"http://{LOOPBACK}:{port}"
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | dict(env or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _answers(address + ready_path, process, {} if host is None else {"Host": host}):
                output.seek(0)
                raise ServiceFailedError(f"{name} did not start; it said: {last_line(output.read())}")
            yield address, psutil.Process(process.pid)
        finally:
            _stop(process)


def _answers(url: str, process: subprocess.Popen[bytes], headers: Mapping[str, str]) -> bool:
    """Whether a service gives any answer in time, whatever it says."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(url, headers=dict(headers), timeout=2, allow_redirects=False)
        except requests.RequestException:
            time.sleep(LOOK_EVERY_S)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a service with all that it started; they are a process group of their own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
