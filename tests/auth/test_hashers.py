"""Hashers, the processes that hash: they take the processor last, know no settings, and may die."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from apiflask import APIFlask

from homeroom.auth import hasher_process
from homeroom.auth.hasher import NICE
from homeroom.auth.hasher_process import HasherProcess
from homeroom.config import usable_cores
from tests.conftest import KEY, PASSWORD, MakePerson, Person
from tests.servers import Server, serving
from tests.test_processes import sign_in, wait_until

pytestmark = pytest.mark.hashes_apart
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def hasher(code: str) -> tuple[str, ...]:
    """A hasher that does something first."""
    return sys.executable, "-P", "-c", f"import os, pathlib, signal, sys; {code}"


def once(flag: Path, code: str) -> tuple[str, ...]:
    """A hasher that does something first, but only the first one."""
    first = f"flag = pathlib.Path({str(flag)!r}); first = not flag.exists(); flag.touch()\n"
    return hasher(f"{first}if first: {code}\nfrom homeroom.auth.hasher import main; main()")


def hashers_below(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if hasher_process._HASHER[-1] in child.cmdline()]


@pytest.fixture
def process() -> Iterator[HasherProcess]:
    process = HasherProcess()
    yield process
    process.end()


@pytest.fixture
def somebody(make_person: MakePerson) -> Person:
    """An account whose owner has not signed in yet, so that no hasher has been started."""
    return make_person("ada", signed_in=False)


@only_sqlite
@pytest.mark.parametrize(
    "death",
    ["sys.stdin.readline(); os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(1)", "raise MemoryError"],
    ids=["in the middle of a hash", "before the first one", "by an error"],
)
def test_when_a_hasher_dies_another_one_hashes(
    somebody: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, death: str
) -> None:
    monkeypatch.setattr(hasher_process, "_HASHER", once(tmp_path / "begun", death))
    assert somebody.sign_in().status_code == 200
    assert somebody.sign_in("wrong password").status_code == 401


@only_sqlite
def test_a_hasher_that_was_killed_while_idle_is_replaced(app: APIFlask, somebody: Person) -> None:
    assert somebody.sign_in().status_code == 200
    for running in hashers_below(os.getpid()):
        running.kill()
    assert somebody.sign_in().status_code == 200


@only_sqlite
def test_when_every_hasher_dies_people_are_asked_to_come_again(
    somebody: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(hasher_process, "_HASHER", hasher("sys.stdin.readline(); sys.exit(1)"))
        answer = somebody.sign_in()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert caplog.text.count("a hasher failed") == 2
    assert PASSWORD not in caplog.text
    assert somebody.sign_in().status_code == 200


@only_sqlite
def test_when_no_process_can_be_started_people_are_asked_to_come_again(
    somebody: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(hasher_process, "_HASHER", ("/nowhere/python",))
        answer = somebody.sign_in()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert somebody.sign_in().status_code == 200


@only_sqlite
def test_a_hasher_that_does_not_answer_is_ended(somebody: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = psutil.Process().children()
    with monkeypatch.context() as patch:
        patch.setattr(hasher_process, "DEADLINE_S", 0.2)
        patch.setattr(hasher_process, "_HASHER", hasher("signal.pause()"))
        answer = somebody.sign_in()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert psutil.Process().children() == before
    assert somebody.sign_in().status_code == 200


@pytest.mark.parametrize("whose", ["worker", "server"])
@only_sqlite
def test_hashers_end_with_their_worker_however_it_ends(
    server_settings: dict[str, str], somebody: Person, whose: str
) -> None:
    with serving(server_settings) as server:
        assert sign_in(server, "ada").status_code == 200
        (running,) = hashers_below(server.process.pid)
        # Stopped, it cannot notice by itself that its input ends.
        running.suspend()
        if whose == "server":
            server.process.kill()
        else:
            running.parent().kill()
        wait_until(lambda: not running.is_running())


def test_a_hasher_ends_when_its_input_does(process: HasherProcess) -> None:
    """As it does where the system has no PR_SET_PDEATHSIG."""
    assert process.ask("hash", PASSWORD)
    process._file.close()
    process._socket.close()
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c_and_a_service_that_stops_leave_hashers_to_finish(process: HasherProcess) -> None:
    assert process.ask("hash", PASSWORD)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
    assert process.ask("verify", PASSWORD, process.ask("hash", PASSWORD)) == [True, None]


@only_sqlite
def test_a_hasher_gets_no_settings_and_no_password_in_its_arguments(
    server_settings: dict[str, str], somebody: Person
) -> None:
    with serving(server_settings) as server:
        assert sign_in(server, "ada").status_code == 200
        (running,) = hashers_below(server.process.pid)
        visible = [*running.cmdline(), *(f"{name}={value}" for name, value in running.environ().items())]
        assert running.environ().keys() & server_settings.keys() == set()
    assert not [text for text in visible if KEY in text or PASSWORD in text]


def test_an_error_in_a_hasher_tells_where_and_not_what(capfd: pytest.CaptureFixture[str]) -> None:
    process = HasherProcess()
    with pytest.raises(hasher_process.HasherFailedError, match="died"):
        process.ask("unknown", PASSWORD)
    process.end()
    said = capfd.readouterr().err
    assert "KeyError in the hasher" in said
    assert "hasher.py" in said
    assert PASSWORD not in said
    assert "unknown" not in said.replace("hasher.py", "")


def test_pages_have_the_processor_first(process: HasherProcess) -> None:
    process.ask("hash", PASSWORD)
    assert psutil.Process(process.pid).nice() == os.getpriority(os.PRIO_PROCESS, 0) + NICE


def test_a_hasher_imports_nothing_that_it_does_not_need() -> None:
    """Without it, each would take 20 MB more."""
    large = {"flask", "sqlalchemy", "pydantic", "werkzeug", "zxcvbn_rs_py", "structlog", "asyncio"}
    code = f"import sys, homeroom.auth.hasher; print({large!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_twelve_who_sign_in_at_once_all_do(server_settings: dict[str, str], make_person: MakePerson) -> None:
    people = [make_person(f"u{number}", signed_in=False) for number in range(12)]

    def try_one(server: Server, person: Person) -> list[requests.Response]:
        return [sign_in(server, person.uid), sign_in(server, person.uid, "wrong password")]

    with serving(server_settings, workers=2) as server, ThreadPoolExecutor(12) as pool:
        answers = pool.map(lambda person: try_one(server, person), people)
        statuses = Counter(answer.status_code for both in answers for answer in both)
        hashers = hashers_below(server.process.pid)
    assert statuses == {200: 12, 401: 12}
    assert 1 <= len(hashers) <= 2 * max(1, usable_cores() // 2)


def test_a_fork_starts_hashers_of_its_own() -> None:
    """As a worker of `gunicorn --preload` does, whose parent may have hashed before."""
    code = """
import os
from homeroom.auth.hashing import HashQueue
queue = HashQueue(1)
hashed = queue.hash("correct horse")
child = os.fork()
if not child:
    os._exit(0 if queue.verify("correct horse", hashed) == (True, None) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert queue.verify("correct horse", hashed) == (True, None)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)


def test_commands_hash_without_a_request(app: APIFlask) -> None:
    queue = app.extensions["homeroom_hashing"]
    assert queue.verify(PASSWORD, queue.hash(PASSWORD)) == (True, None)
