"""Many uploads at once: the worker's memory, and whether the directory answers meanwhile.

`.venv/bin/python bench/uploads.py` starts `homeroom serve --workers 1` over a new SQLite database, sends
30 photographs of about 5 MB from as many people at the same moment (again after `Retry-After` where the
server asks for it), and reads the directory all the while. It tells; it does not judge.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import click
import flask_migrate
import psutil
import requests
from PIL import Image

from homeroom.app import create_app
from homeroom.auth.models import User
from homeroom.auth.passwords import hash_password
from homeroom.config import load_config
from homeroom.db import db, write_transaction

PASSWORD = "correct horse battery"  # noqa: S105  of people who live as long as this script
DEADLINE_S = 180


def make_photograph(megabytes: float) -> bytes:
    """A noisy JPEG of 24 megapixels, about as large as asked for."""
    noise = Image.effect_noise((750, 500), 90).resize((6000, 4000), Image.Resampling.BICUBIC)
    picture = Image.merge("RGB", (noise, noise.transpose(Image.Transpose.ROTATE_180), noise))
    for quality in range(96, 40, -2):
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= megabytes * 1024 * 1024:
            break
    return buffer.getvalue()


def prepare(folder: Path, people: int) -> dict[str, str]:
    """A database with some people; the environment of a server over it."""
    settings = {"INSTANCE_PATH": str(folder), "SECRET_KEY": os.urandom(32).hex(), "LOG_LEVEL": "ERROR"}
    app = create_app(load_config(**{name.lower(): value for name, value in settings.items()}))
    with app.app_context():
        flask_migrate.upgrade()
        hashed = hash_password(PASSWORD)
        with write_transaction() as session:
            for number in range(people):
                user = User(password_hash=hashed)
                user.rename(name=f"Person {number}", uid=f"p{number}")
                session.add(user)
        db.engine.dispose()
    return settings


@contextmanager
def serving(settings: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """A server with one worker, and the worker."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "homeroom", "serve", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(command, env=os.environ | settings)  # noqa: S603  our own command
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        children = psutil.Process(process.pid).children(recursive=True)
        yield address, max(children, key=lambda child: child.memory_info().rss)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/api/health/ready", timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def sign_in(address: str, number: int) -> str:
    body = {"uid": f"p{number}", "password": PASSWORD}
    return requests.post(f"{address}/api/authenticate", json=body, timeout=60).cookies["jwt"]


def send(address: str, token: str, data: bytes) -> tuple[int, int]:
    """Upload as a page does; the status, and how often the server asked to come again."""
    waits, deadline = 0, time.monotonic() + DEADLINE_S
    while True:
        answer = requests.post(
            f"{address}/api/uploads/",
            files={"file": ("photo.jpg", data)},
            cookies={"jwt": token},
            timeout=DEADLINE_S,
        )
        if answer.status_code != 503 or time.monotonic() > deadline:
            return answer.status_code, waits
        waits += 1
        time.sleep(int(answer.headers["Retry-After"]))


class Watch(threading.Thread):
    """Reads the directory and the worker's memory until it is stopped."""

    def __init__(self, address: str, token: str, worker: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.url, self.cookies, self.worker = f"{address}/api/users/", {"jwt": token}, worker
        self.times_ms: list[float] = []
        self.peak_mb = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        with requests.Session() as session:
            while not self.done.is_set():
                started = time.perf_counter()
                session.get(self.url, cookies=self.cookies, timeout=120).raise_for_status()
                self.times_ms.append((time.perf_counter() - started) * 1000)
                self.peak_mb = max(self.peak_mb, self.worker.memory_info().rss / 1024**2)
                time.sleep(0.02)


def tell(name: str, watch: Watch) -> None:
    times = sorted(watch.times_ms)
    p99 = times[int(len(times) * 0.99)]
    click.echo(
        f"{name}: directory {len(times)} reads, median {statistics.median(times):.0f} ms, "
        f"p99 {p99:.0f} ms, worst {times[-1]:.0f} ms; worker at most {watch.peak_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=30)
    parser.add_argument("--megabytes", type=float, default=4.9)
    arguments = parser.parse_args()
    data = make_photograph(arguments.megabytes)
    with tempfile.TemporaryDirectory() as folder:
        settings = prepare(Path(folder), arguments.uploads)
        with serving(settings) as (address, worker):
            tokens = [sign_in(address, number) for number in range(arguments.uploads)]
            quiet = Watch(address, tokens[0], worker)
            quiet.start()
            time.sleep(3)
            quiet.done.set()
            quiet.join()
            tell("quiet", quiet)
            busy = Watch(address, tokens[0], worker)
            busy.start()
            started = time.monotonic()
            with ThreadPoolExecutor(arguments.uploads) as pool:
                results = list(pool.map(lambda token: send(address, token, data), tokens))
            elapsed_s = time.monotonic() - started
            busy.done.set()
            busy.join()
            tell("with uploads", busy)
    statuses = [status for status, _ in results]
    click.echo(
        f"{arguments.uploads} uploads of {len(data) / 1024**2:.1f} MB: {statuses.count(201)} kept in "
        f"{elapsed_s:.1f} s, asked to come again {sum(waits for _, waits in results)} times"
    )


if __name__ == "__main__":
    main()
