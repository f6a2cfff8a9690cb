"""Several processes over one database: sessions, limits, and writes that survive `kill -9`."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests

from homeroom.auth.models import Role
from tests.conftest import PASSWORD, MakePerson
from tests.servers import Server, serving

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
