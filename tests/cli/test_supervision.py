"""The server over its workers, and the gate before each: what dies comes back; nobody has all threads."""

import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from apiflask import APIFlask
from sqlalchemy import text

from homeroom.auth.models import Role
from homeroom.cli.gate import (
    BODIES,
    BODIES_OF_ONE,
    MAX_LEFT_BYTES,
    SMALL_BODY_BYTES,
    BodyPlaces,
    Gate,
    NoPlaceError,
)
from homeroom.cli.supervision import respawn_pause_s
from homeroom.data.database import POOL_TIMEOUT_S, db
from homeroom.web.incoming import SIGNED_IN
from tests.conftest import PASSWORD, MakePerson
from tests.servers import Server, free_port, serving

TIMEOUT_S = 60


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def workers_of(server: Server) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]


def is_live(server: Server) -> bool:
    try:
        return requests.get(server.url("/api/health/live"), timeout=5).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_dies_again_and_again_comes_back(server_settings: dict[str, str]) -> None:
    with serving(server_settings) as server:
        for _ in range(4):
            (worker,) = workers_of(server)
            worker.kill()
            worker.wait(timeout=TIMEOUT_S)
            wait_until(lambda: is_live(server), "no worker came back")
        assert server.process.poll() is None


def test_pauses_between_deaths_grow_and_end_somewhere() -> None:
    pauses = [respawn_pause_s(deaths) for deaths in range(1, 100)]
    assert pauses[:5] == [0, 0.5, 1, 2, 4]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30


STARTS_LATE = """
import multiprocessing, os, time
from homeroom.cli.supervision import end_with_parent

def worker():
    os.closerange(1, 3)
    while os.getppid() == server:
        time.sleep(0.01)
    end_with_parent()
    time.sleep(600)

server = os.getpid()
process = multiprocessing.get_context("fork").Process(target=worker)
process.start()
print(process.pid, flush=True)
os._exit(0)
"""


def test_a_worker_whose_server_was_gone_before_it_started_ends_too() -> None:
    printed = subprocess.run([sys.executable, "-c", STARTS_LATE], capture_output=True, check=True, text=True)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(printed.stdout)).wait(timeout=TIMEOUT_S)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_workers_end_with_the_server_that_started_them(server_settings: dict[str, str]) -> None:
    with serving(server_settings, workers=2) as server:
        workers = workers_of(server)
        server.process.kill()
        server.process.wait()
        _, alive = psutil.wait_procs(workers, timeout=TIMEOUT_S)
        assert alive == []
        # Nobody keeps the port, so a new server can have it.
        port = port_of(server)
        with serving(server_settings, port=port) as again:
            assert is_live(again)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_else_gets_the_port_while_workers_are_away(server_settings: dict[str, str]) -> None:
    with serving(server_settings) as server:
        port = port_of(server)
        for _ in range(2):
            (worker,) = workers_of(server)
            worker.kill()
            worker.wait()
            with pytest.raises(OSError, match="in use"):
                socket.create_server(("127.0.0.1", port))
            wait_until(lambda: is_live(server), "it did not come back")


@pytest.mark.parametrize("command", ["run", "serve"])
def test_nobody_keeps_a_transaction_open_at_rest(
    server_settings: dict[str, str], make_person: MakePerson, app: APIFlask, command: str
) -> None:
    admin = make_person("admin", role=Role.ADMIN, signed_in=False)
    port = free_port()
    started = [sys.executable, "-m", "homeroom", command, "--port", str(port)]
    with subprocess.Popen(
        started, env=os.environ | server_settings, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        server = Server(f"http://127.0.0.1:{port}", process)
        try:
            wait_until(lambda: is_live(server), "it did not start")
            session = requests.Session()
            body = {"uid": "admin", "password": PASSWORD}
            assert session.post(server.url("/api/authenticate"), json=body, timeout=30).status_code == 200
            for number in range(40):
                answer = session.put(
                    server.url("/api/portfolio"), json={"about": f"{number}" * 500}, timeout=30
                )
                assert answer.status_code == 200
            assert session.get(server.url("/api/users/"), timeout=30).ok
            with app.app_context():
                db.session.remove()
                wait_until(lambda: open_transactions(app) == 0, "a transaction stays open")
        finally:
            process.terminate()
            process.wait(timeout=TIMEOUT_S)
    assert admin.id


def open_transactions(app: APIFlask) -> int:
    """How many others have one: on SQLite, whether any reader keeps the log from being put away whole."""
    if db.engine.dialect.name == "postgresql":
        statement = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        )
        with db.engine.connect() as connection:
            return int(connection.execute(statement).scalar_one())
    path = db.engine.url.database
    with sqlite3.connect(path, timeout=0) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    return busy or int(Path(f"{path}-wal").stat().st_size > 0)


def port_of(server: Server) -> int:
    return int(server.address.rpartition(":")[2])


@contextmanager
def unfinished_bodies(server: Server, count: int) -> Iterator[None]:
    """Guests who announce a body and send a part of it."""
    port = port_of(server)
    head = b"POST /api/authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(head + b"Content-Length: 1000\r\n\r\n{")
        yield


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_seventy_unfinished_bodies_keep_nobody_from_reading(
    server_settings: dict[str, str], make_person: MakePerson
) -> None:
    make_person("ada", signed_in=False)
    with serving(server_settings) as server:
        body = {"uid": "ada", "password": PASSWORD}
        signed_in = requests.post(server.url("/api/authenticate"), json=body, timeout=30)
        cookies = {"jwt": signed_in.cookies["jwt"]}
        with unfinished_bodies(server, 70):
            with ThreadPoolExecutor(40) as pool:
                answers = pool.map(
                    lambda _: requests.get(server.url("/api/id"), cookies=cookies, timeout=30), range(40)
                )
                assert Counter(answer.status_code for answer in answers) == {200: 40}
            assert is_live(server)
        wait_until(
            lambda: requests.post(server.url("/api/authenticate"), json=body, timeout=30).ok,
            "nobody can sign in after it",
        )


SLOW_REQUESTS = (
    ("PUT", "/api/user", "application/json"),
    ("POST", "/api/projects/", "application/json"),
    ("PUT", "/api/id/pfp", "application/json"),
    ("PUT", "/api/id/picture", "application/json"),
    ("PUT", "/api/id/picture", "image/png"),
    ("POST", "/api/uploads", "multipart/form-data; boundary=x"),
    ("POST", "/api/roster", "text/csv"),
)


def test_slow_bodies_of_somebody_signed_in_hold_no_connection(
    server_settings: dict[str, str], make_person: MakePerson
) -> None:
    make_person("ada", signed_in=False, role=Role.ADMIN)
    with serving(server_settings | {"DATABASE_CONNECTIONS": "4"}) as server, ExitStack() as stack:
        body = {"uid": "ada", "password": PASSWORD}
        token = requests.post(server.url("/api/authenticate"), json=body, timeout=30).cookies["jwt"]
        sent = []
        for method, path, media_type in SLOW_REQUESTS * 2:
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", port_of(server)), timeout=TIMEOUT_S)
            )
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: jwt={token}\r\n"
                f"Content-Type: {media_type}\r\nContent-Length: 100000\r\n\r\n{{"
            )
            connection.sendall(head.encode())
            sent.append(connection)
        # More than there are connections, and all of them wait for the rest of their bodies.
        for _ in range(20):
            answer = requests.get(server.url("/api/projects/"), cookies={"jwt": token}, timeout=TIMEOUT_S)
            assert answer.status_code == 200, answer.text
            assert answer.elapsed.total_seconds() < POOL_TIMEOUT_S, "it waited for somebody's connection"
            time.sleep(0.05)
        sent[0].sendall(b'"name": "Ada Late"'.ljust(99_998) + b"}")
        assert sent[0].recv(100).startswith(b"HTTP/1.1 200")


def test_no_network_has_all_places_for_bodies() -> None:
    places = BodyPlaces(BODIES, BODIES_OF_ONE, 4, 0)
    with ExitStack() as stack:
        for _ in range(BODIES_OF_ONE):
            stack.enter_context(places.place("one"))
        with pytest.raises(NoPlaceError), places.place("one"):
            raise AssertionError("it has its share already")
        for _ in range(BODIES - BODIES_OF_ONE):
            stack.enter_context(places.place("two"))
        with pytest.raises(NoPlaceError), places.place("three"):
            raise AssertionError("there is none left")
    with places.place("one"):
        assert list(places._taken) == ["one"], "who is gone is forgotten"


def test_large_bodies_take_no_place_of_small_ones() -> None:
    """Somebody's pictures, however many, keep nobody in the same school from signing in or saving."""
    inside, leave = threading.Barrier(BODIES_OF_ONE + 1), threading.Event()

    def app(environ, start_response):
        if int(environ["CONTENT_LENGTH"]) > SMALL_BODY_BYTES:
            inside.wait(TIMEOUT_S)
            assert leave.wait(TIMEOUT_S)
        start_response("200 OK", [])
        return [b""]

    gate, answers = Gate(app, places=100, behind_proxy=False), []

    def send(size: int) -> None:
        environ = {"PATH_INFO": "/", "REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(size)}
        environ |= {"REMOTE_ADDR": "192.0.2.1", "wsgi.input": io.BytesIO(b"x" * size)}
        gate(environ, lambda status, _headers: answers.append(status))

    with ThreadPoolExecutor(BODIES_OF_ONE) as pool:
        for _ in range(BODIES_OF_ONE):
            pool.submit(send, SMALL_BODY_BYTES + 1)
        inside.wait(TIMEOUT_S)
        send(100)
        assert answers == ["200 OK"]
        leave.set()


def test_liveness_needs_no_place_and_everything_else_does() -> None:
    entered, leave = threading.Event(), threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            entered.set()
            assert leave.wait(TIMEOUT_S)
        start_response("200 OK", [])
        return [b""]

    gate = Gate(app, places=1, behind_proxy=False)

    def ask(path: str) -> str:
        told: list[str] = []
        environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1"}
        gate(environ, lambda status, _headers: told.append(status))
        return told[0]

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, "/slow")
        assert entered.wait(TIMEOUT_S)
        assert ask("/api/users/").startswith("503")
        assert ask("/api/health/live").startswith("200")
        environ = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", "HTTP_ACCEPT_LANGUAGE": "es"}
        told: list[tuple[str, str]] = []
        body = b"".join(gate(environ, lambda _status, headers: told.extend(headers)))
        assert "ocupado" in json.loads(body)["detail"]
        assert ("Content-Language", "es") in told
        leave.set()
        assert slow.result().startswith("200")
    assert ask("/api/users/").startswith("200")


@pytest.mark.parametrize(
    ("behind_proxy", "signed_in", "status", "left", "closes"),
    [
        (True, False, "401 Unauthorized", 0, False),
        (False, False, "401 Unauthorized", 100_000, True),
        (False, False, "405 Method Not Allowed", 100_000, True),
        (False, False, "413 Content Too Large", 100_000, True),
        (False, True, "403 Forbidden", 100_000, True),
        (False, True, "413 Content Too Large", 0, False),
        (False, True, "503 Service Unavailable", 0, False),
    ],
)
def test_what_the_app_leaves_of_a_body_is_taken_so_that_its_sender_hears_why(
    behind_proxy: bool, signed_in: bool, status: str, left: int, closes: bool
) -> None:
    """Whoever is still sending when the connection closes may lose the answer. A guest may not make the
    server read, and is told that the connection ends.
    """

    def app(environ, start_response):
        if signed_in:
            environ[SIGNED_IN] = True
        start_response(status, [])
        return [b""]

    body = io.BytesIO(b"x" * 100_000)
    environ = {
        "PATH_INFO": "/api/uploads/",
        "REQUEST_METHOD": "POST",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": "100000",
        "wsgi.input": body,
    }
    told: list[object] = []
    gate = Gate(app, places=1, behind_proxy=behind_proxy)
    gate(environ, lambda status, headers: told.extend((status, headers)))
    assert told == [status, [("Connection", "close")] if closes else []]
    assert len(body.read()) == left


def test_no_more_of_a_refused_body_is_read_than_a_photograph_has() -> None:
    def app(_environ, start_response):
        start_response("413 Content Too Large", [])
        return [b""]

    body = io.BytesIO(bytes(MAX_LEFT_BYTES + 2 * SMALL_BODY_BYTES))
    environ = {"PATH_INFO": "/", "REQUEST_METHOD": "POST", "REMOTE_ADDR": "127.0.0.1", SIGNED_IN: True}
    environ |= {"CONTENT_LENGTH": str(len(body.getbuffer())), "wsgi.input": body}
    told: list[object] = []
    Gate(app, places=1, behind_proxy=False)(environ, lambda _status, headers: told.extend(headers))
    assert (told, len(body.read())) == ([("Connection", "close")], 2 * SMALL_BODY_BYTES)
