"""Sets peers up: each gets the same class and a signed-in caller, and is started as its users start it."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from harness.processes import BENCH, Service, ServiceFailedError, free_port, last_line, running

LIST = "/api/users/"
# These belong to the connection or are added by the server itself.
_PER_CONNECTION = ("date", "server", "connection", "transfer-encoding", "content-length")


@contextmanager
def fastapi_service(folder: Path, *, workers: int) -> Iterator[Service]:
    """FastAPI and SQLAlchemy on uvicorn."""
    env, token = _fill("peers.fastapi_service", folder / "fastapi.db")
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "peers.fastapi_service:app", "--port", str(port)]
    command += ["--workers", str(workers), "--log-level", "error", "--no-access-log"]
    with running("FastAPI", command, port=port, ready_path="/openapi.json", env=env) as (address, process):
        yield Service("FastAPI", address, process, LIST, {"Authorization": f"Bearer {token}"})


@contextmanager
def lesson_service(folder: Path) -> Iterator[Service]:
    """The lesson's way, on gunicorn as its Dockerfile says: one worker."""
    name, port = "The lesson's way", free_port()
    env, token = _fill("peers.lesson_service", folder / "lesson.db")
    command = [sys.executable, "-m", "gunicorn", "--workers=1", f"--bind=127.0.0.1:{port}"]
    command += ["--log-level=error", "peers.lesson_service:app"]
    with running(name, command, port=port, ready_path=LIST, env=env) as (address, process):
        yield Service(name, address, process, LIST, {"Cookie": f"jwt={token}"})


def _fill(module: str, database: Path) -> tuple[dict[str, str], str]:
    """The environment of a service whose database was filled, and a caller's token."""
    env = {"BENCH_DATABASE": str(database), "BENCH_KEY": secrets.token_hex(32), "PYTHONPATH": str(BENCH)}
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceFailedError(f"{module} could not be filled: {last_line(done.stderr)}")
    return env, done.stdout.strip()


@contextmanager
def constant_service(folder: Path, like: Service, *, workers: int) -> Iterator[Service]:
    """Homeroom's server without an application: it gives the answer that `like` gave once."""
    name, port = "Wire limit", free_port()
    answer = requests.get(like.url, headers=dict(like.headers) | {"Accept-Encoding": "identity"}, timeout=30)
    headers = [pair for pair in answer.headers.items() if pair[0].lower() not in _PER_CONNECTION]
    recorded = {
        "status": f"{answer.status_code} {answer.reason}",
        "headers": [*headers, ("Content-Length", str(len(answer.content)))],
        "body": base64.b64encode(answer.content).decode(),
    }
    path = folder / "answer.json"
    path.write_text(json.dumps(recorded), encoding="utf-8")
    env = {"BENCH_ANSWER": str(path), "PYTHONPATH": str(BENCH)}
    script = str(BENCH / "peers" / "constant_service.py")
    command = [sys.executable, script, "--port", str(port), "--workers", str(workers)]
    with running(name, command, port=port, env=env) as (address, process):
        yield Service(name, address, process, like.path, like.headers)
