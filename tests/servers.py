"""Real servers for tests: the program as its users start it, over one database."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import requests

# Two cores may be shared with other work: wait for what must come.
START_TIMEOUT_S = 120
# Below those that the system gives to outgoing connections: what restarts under load might lose its port.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """So many different ports where nobody listens now, and that no outgoing connection is given."""
    # Not of a seed, which two workers of the tests may share.
    return list(islice(filter(_is_free, random.SystemRandom().sample(PORTS, len(PORTS))), count))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@dataclass
class Server:
    """A running `homeroom serve`: its address, and the group of its processes."""

    address: str
    process: subprocess.Popen[bytes]

    def url(self, path: str) -> str:
        return self.address + path

    def kill(self) -> None:
        """`kill -9` of the server and all its workers at once, as when the power goes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(
    settings: Mapping[str, str],
    *,
    workers: int = 1,
    port: int | None = None,
    command: str = "serve",
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """A server with these settings, ready to answer; it is ended by its own process id."""
    port = port or free_port()
    options = [*options, *(["--workers", str(workers)] if command == "serve" else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "homeroom", command, "--port", str(port), *options],
        env=os.environ | dict(settings),
        start_new_session=True,
    )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise AssertionError(f"the server stopped with status {server.process.returncode}")
        try:
            if requests.get(server.url("/api/health/ready"), timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("the server did not become ready")


def homeroom(settings: Mapping[str, str], *arguments: str) -> str:
    """What `homeroom …` prints; a failure fails the test."""
    command = [sys.executable, "-m", "homeroom", *arguments]
    done = subprocess.run(
        command, env=os.environ | dict(settings), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
