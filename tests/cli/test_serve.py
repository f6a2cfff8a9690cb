"""`homeroom run`: from nothing to a first sign-in, and from there on without losing anything."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from homeroom.cli.serve import STOP_TIMEOUT_S
from tests.conftest import PASSWORD
from tests.servers import free_port


@contextmanager
def running(instance: Path) -> Iterator[tuple[str, str]]:
    """The address of a `homeroom run` that answers, and what it printed until then."""
    port = free_port()
    with (instance.parent / "stderr").open("a") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "homeroom", "run", "--port", str(port)],
            env=os.environ | {"INSTANCE_PATH": str(instance), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    stop = threading.Timer(60, process.kill)
    stop.start()
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if ("First sign-in" in printed or "Sign in at" in printed) and line == "\n":
                break
        address = f"http://localhost:{port}"
        _wait_for(address)
        yield address, printed
    finally:
        stop.cancel()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)
        process.stdout.close()


def _wait_for(address: str, *, patience_s: float = 10) -> None:
    session = requests.Session()
    tries = requests.adapters.Retry(
        total=int(patience_s * 2), backoff_factor=0.05, backoff_max=0.5, status_forcelist=[503]
    )
    retry = requests.adapters.HTTPAdapter(max_retries=tries)
    session.mount("http://", retry)
    session.get(f"{address}/api/health/ready", timeout=5).raise_for_status()
    session.close()


def test_the_first_run_prepares_everything_and_later_ones_change_nothing(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with running(instance) as (address, printed):
        assert "Loaded a demo class of 24" in printed
        (link,) = re.findall(r"http://\S+/join/#code=([0-9A-Z-]+)", printed)
        assert f"{address}/" in printed
    with running(instance) as (address, printed):
        assert "Loaded" not in printed
        assert f"{address}/join/#code={link}" in printed, "the link stays until it was used"
        me = requests.Session()
        joined = me.post(f"{address}/api/join", json={"code": link, "password": PASSWORD}, timeout=10)
        assert joined.status_code == 200
        assert joined.json()["user"]["role"] == "Admin"
        users = me.get(f"{address}/api/users/", timeout=10).json()
        assert len(users) == 25
        assert sum(user["name"].endswith("(demo)") for user in users) == 24
        me.close()
    with running(instance) as (address, printed):
        assert "/join/" not in printed
        assert f"Sign in at          {address}/login/" in printed
        body = {"uid": "admin", "password": PASSWORD}
        assert requests.post(f"{address}/api/authenticate", json=body, timeout=10).status_code == 200


def test_a_start_warns_of_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "instance"):
        pass
    assert "warning" not in (tmp_path / "stderr").read_text().lower()


def test_no_default_password_opens_a_fresh_site(tmp_path: Path) -> None:
    with running(tmp_path / "instance") as (address, _printed):
        for uid in ("admin", "demo-ada"):
            for password in ("admin", "password", "123Toby!", "", uid, "changeme"):
                body = {"uid": uid, "password": password}
                answer = requests.post(f"{address}/api/authenticate", json=body, timeout=10)
                assert answer.status_code in (401, 422)


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path / "instance") as (address, _printed):
        port = address.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "homeroom", "run", "--port", port],
            env=os.environ | {"INSTANCE_PATH": str(tmp_path / "instance")},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert f"This site seems to be running already. Open http://localhost:{port}/" in done.stderr
    assert f"make run PORT={int(port) + 1}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == "", "nothing is said of a site that is not there"


# While it is loaded, while it prepares the database, while workers load, and when it serves.
@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.6, 1, 1.5, 2, 3, 5])
def test_an_interruption_ends_it_quietly_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_s: float
) -> None:
    # Coverage starts before the program does, and would be what is interrupted.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "homeroom", "run", "--port", str(free_port()), "--workers", "3"],
        env=os.environ | {"INSTANCE_PATH": str(tmp_path / "instance")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(after_s)
    # As a terminal does: the whole group of processes gets it.
    os.killpg(process.pid, signal.SIGINT)
    _printed, told = process.communicate(timeout=60)
    assert "Traceback" not in told, told
    assert "KeyboardInterrupt" not in told


@pytest.mark.parametrize("held_up", [False, True])
def test_ctrl_c_ends_all_workers_and_pressed_twice_waits_for_nobody(tmp_path: Path, held_up: bool) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "homeroom", "run", "--port", str(port), "--workers", "3"],
        env=os.environ | {"INSTANCE_PATH": str(tmp_path / "instance")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _wait_for(f"http://localhost:{port}", patience_s=60)
    workers = psutil.Process(process.pid).children()
    slow = socket.create_connection(("127.0.0.1", port))
    if held_up:
        # Somebody's request stays unfinished, and would be waited for.
        slow.sendall(b"POST /api/authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    # As a terminal does: the workers get it as well.
    os.killpg(process.pid, signal.SIGINT)
    if held_up:
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
    _printed, told = process.communicate(timeout=STOP_TIMEOUT_S - 5)
    slow.close()
    assert "Traceback" not in told, told
    assert not [worker for worker in workers if worker.is_running()]


def test_links_lead_to_where_the_site_was_started(tmp_path: Path) -> None:
    def code(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "homeroom", "user", "code", "admin", *arguments],
            env=os.environ | {"INSTANCE_PATH": str(tmp_path / "instance")},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    with running(tmp_path / "instance") as (address, _printed):
        assert code().startswith(f"{address}/join/#code=")
    assert code().startswith(f"{address}/join/#code="), "also while it is stopped"
    assert code("--site", "https://class.test").startswith("https://class.test/join/")


def test_a_misspelt_setting_is_told_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEROOM_REGISTRATION", "open")
    with running(tmp_path / "instance"):
        pass
    told = (tmp_path / "stderr").read_text()
    assert told == "HOMEROOM_REGISTRATION isn't a setting and has no effect; REGISTRATION is one.\n"


def test_the_first_screen_says_whose_pages_may_ask(tmp_path: Path) -> None:
    with running(tmp_path / "instance") as (_address, printed):
        assert "Pages may ask from  localhost and 127.0.0.1 at 4000, 4100, 4500" in printed


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null/instance"])
def test_a_folder_that_cannot_be_written_is_named(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "homeroom", "run", "--port", str(free_port())],
        env=os.environ | {"INSTANCE_PATH": folder},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "INSTANCE_PATH" in done.stderr
    assert "Traceback" not in done.stderr
