"""Several processes over one database: sessions, limits, and writes that survive `kill -9`."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psutil
import pytest
import requests
from apiflask import APIFlask
from sqlalchemy import func, select, text

from homeroom.auth.models import Role, UserSession
from homeroom.auth.tokens import Claims, issue_token
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from tests.conftest import KEY, PASSWORD, MakePerson
from tests.servers import Server, free_port, serving

WRITES = 1000
WRITERS = 20


def sign_in(server: Server, uid: str, password: str = PASSWORD) -> requests.Response:
    body = {"uid": uid, "password": password}
    return requests.post(server.url("/api/authenticate"), json=body, timeout=30)


def test_a_session_ended_in_one_process_is_refused_by_the_other_at_once(
    two_servers: tuple[Server, Server], make_person: MakePerson
) -> None:
    make_person("ada", signed_in=False)
    first, second = two_servers
    for _ in range(10):
        signed_in = sign_in(first, "ada")
        cookies = {"jwt": signed_in.cookies["jwt"]}
        assert requests.get(second.url("/api/id"), cookies=cookies, timeout=10).status_code == 200
        requests.delete(first.url("/api/authenticate"), cookies=cookies, timeout=10).raise_for_status()
        assert requests.get(second.url("/api/id"), cookies=cookies, timeout=10).status_code == 401


def test_fifty_wrong_passwords_spread_over_both_are_limited_as_one(
    two_servers: tuple[Server, Server], make_person: MakePerson
) -> None:
    make_person("ada", signed_in=False)

    def guess(number: int) -> requests.Response:
        return sign_in(two_servers[number % 2], "ada", f"guess {number}")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(guess, range(50)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 40
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 429)


def test_concurrent_updates_of_one_row_are_never_lost_or_refused(
    two_servers: tuple[Server, Server], make_person: MakePerson
) -> None:
    people = [make_person(f"u{number}", signed_in=False) for number in range(8)]
    tokens = [sign_in(two_servers[0], person.uid).cookies["jwt"] for person in people]

    def rename(number: int) -> int:
        server = two_servers[number % 2]
        cookies = {"jwt": tokens[number % len(tokens)]}
        body = {"name": f"Name {number}"}
        return requests.put(server.url("/api/user"), json=body, cookies=cookies, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(rename, range(200))) == {200}


@pytest.mark.parametrize("round_number", range(3))
def test_every_acknowledged_write_is_there_after_kill_9(
    server_settings: dict[str, str], make_person: MakePerson, round_number: int
) -> None:
    make_person("admin", role=Role.ADMIN, signed_in=False)
    acknowledged: set[str] = set()
    with serving(server_settings, workers=2) as server:
        token = sign_in(server, "admin").cookies["jwt"]
        # Killed in the middle of the thousand, at another place each time.
        enough = threading.Event()
        threshold = 150 + 200 * round_number

        def write(number: int) -> None:
            body = {"uid": f"w{number}", "name": f"Written {number}"}
            try:
                answer = requests.post(
                    server.url("/api/users/"), json=body, cookies={"jwt": token}, timeout=30
                )
            except requests.RequestException:
                return
            if answer.status_code == 201:
                acknowledged.add(body["uid"])
            if len(acknowledged) >= threshold:
                enough.set()

        with ThreadPoolExecutor(WRITERS) as pool:
            done = pool.map(write, range(WRITES))
            assert enough.wait(timeout=60)
            server.kill()
            list(done)
    assert threshold <= len(acknowledged) < WRITES

    with serving(server_settings) as server:
        signed_in = sign_in(server, "admin")
        cookies = {"jwt": signed_in.cookies["jwt"]}
        answer = requests.get(server.url("/api/users/?limit=1000&q=w"), cookies=cookies, timeout=30)
        present = {user["uid"] for user in answer.json()}
        assert acknowledged - present == set()


def test_a_killed_worker_comes_back_by_itself(
    server_settings: dict[str, str], make_person: MakePerson
) -> None:
    make_person("ada", signed_in=False)
    with serving(server_settings) as server:
        cookies = {"jwt": sign_in(server, "ada").cookies["jwt"]}
        (worker,) = (
            child
            for child in psutil.Process(server.process.pid).children()
            if "resource_tracker" not in " ".join(child.cmdline())
        )
        worker.kill()
        for _ in range(200):
            try:
                answer = requests.get(server.url("/api/id"), cookies=cookies, timeout=2)
            except requests.RequestException:
                time.sleep(0.05)
                continue
            assert answer.status_code == 200, "the session outlives the process"
            return
        raise AssertionError("no worker came back within ten seconds")


def test_a_hundred_people_who_reload_after_a_break_are_all_answered(
    server_settings: dict[str, str], make_person: MakePerson, app: APIFlask
) -> None:
    """Each session's last use is to be noted, all at once, by one worker with few connections."""
    people = [make_person(f"u{number}", signed_in=False) for number in range(100)]
    long_ago = utc_now() - timedelta(hours=1)
    with app.app_context(), write_transaction() as session:
        sessions = [
            UserSession(id=f"{person.id:032x}", user_id=person.id, expires_at=utc_now() + timedelta(hours=1))
            for person in people
        ]
        for one in sessions:
            one.last_used_at = long_ago
        session.add_all(sessions)
        session.flush()
        tokens = [
            issue_token(
                Claims(one.user_id, one.id, int(one.expires_at.timestamp())), key=KEY, issued_at=utc_now()
            )
            for one in sessions
        ]
    with serving(server_settings | {"DATABASE_CONNECTIONS": "4"}) as server:

        def reload(token: str) -> int:
            return requests.get(server.url("/api/id"), cookies={"jwt": token}, timeout=30).status_code

        with ThreadPoolExecutor(100) as pool:
            assert Counter(pool.map(reload, tokens)) == {200: 100}
        wait_until(lambda: last_uses_after(app, long_ago) == 100)


def last_uses_after(app: APIFlask, moment: datetime) -> int:
    with app.app_context():
        statement = select(func.count(UserSession.id)).where(UserSession.last_used_at > moment)
        return db.session.scalar(statement)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass within a minute"
        time.sleep(0.1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_frozen_database_is_a_503_and_serves_again_once_it_thaws(
    server_settings: dict[str, str], make_person: MakePerson, app: APIFlask
) -> None:
    make_person("ada", signed_in=False)
    with app.app_context():
        backend = db.session.scalar(text("SELECT pg_backend_pid()"))
    with serving(server_settings | {"DATABASE_TIMEOUT_S": "1", "DATABASE_CONNECTIONS": "4"}) as server:
        cookies = {"jwt": sign_in(server, "ada").cookies["jwt"]}
        postmaster = psutil.Process(backend).parent()
        frozen = [postmaster, *postmaster.children()]
        for process in frozen:
            process.suspend()
        try:
            with ThreadPoolExecutor(20) as pool:
                answers = list(
                    pool.map(
                        lambda _: requests.get(server.url("/api/id"), cookies=cookies, timeout=60), range(20)
                    )
                )
        finally:
            for process in frozen:
                process.resume()
        assert Counter(answer.status_code for answer in answers) == {503: 20}
        assert all("Retry-After" in answer.headers for answer in answers)
        wait_until(
            lambda: requests.get(server.url("/api/id"), cookies=cookies, timeout=30).status_code == 200
        )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_more_connections_than_postgresql_has_are_shared_or_refused(
    server_settings: dict[str, str], make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person("ada", signed_in=False)
    many = server_settings | {"DATABASE_CONNECTIONS": "60"}
    command = [sys.executable, "-m", "homeroom", "serve", "--port", str(free_port()), "--workers", "2"]
    refused = subprocess.run(command, env=os.environ | many, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "DATABASE_CONNECTIONS=60 for each of 2 workers is more than the 97" in refused.stderr
