"""Turns to write: in order, across processes, and never for ever."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeroom.data import write_turns
from homeroom.data.write_turns import FileTurns
from tests.servers import START_TIMEOUT_S

HOLD = """
import sys, time
from pathlib import Path
from homeroom.data.write_turns import FileTurns
assert FileTurns(Path(sys.argv[1])).acquire(timeout=10)
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def held_by_another_process(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process has its turn, and would keep it for ten minutes."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def test_turns_come_in_the_order_of_arrival(tmp_path: Path) -> None:
    turns, order = FileTurns(tmp_path / "a.db"), list[int]()
    assert turns.acquire(timeout=1)

    def write(number: int) -> None:
        assert turns.acquire(timeout=START_TIMEOUT_S)
        order.append(number)
        turns.release()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for number, writer in enumerate(writers):
        writer.start()
        while len(turns._waiting) <= number:
            time.sleep(0.001)
    turns.release()
    for writer in writers:
        writer.join()
    assert order == list(range(12))


def test_who_waits_too_long_is_told_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    turns = FileTurns(tmp_path / "a.db")
    assert turns.acquire(timeout=1)
    assert not turns.acquire(timeout=0.01)
    turns.release()
    assert turns.acquire(timeout=1)
    turns.release()


def test_another_process_has_its_turn_and_a_killed_one_has_none(tmp_path: Path) -> None:
    turns = FileTurns(tmp_path / "a.db")
    with held_by_another_process(tmp_path / "a.db") as holder:
        assert not turns.acquire(timeout=0.01)
        got: list[bool] = []
        waiting = threading.Thread(target=lambda: got.append(turns.acquire(timeout=START_TIMEOUT_S)))
        waiting.start()
        holder.kill()
        waiting.join()
    assert got == [True]
    turns.release()
    # Those who gave up have let go as well.
    assert FileTurns(tmp_path / "a.db").acquire(timeout=START_TIMEOUT_S)


def test_where_a_file_takes_no_lock_a_process_has_turns_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(write_turns.fcntl, "flock", refuse)
    turns = FileTurns(tmp_path / "a.db")
    for _ in range(2):
        assert turns.acquire(timeout=1)
        assert not turns.acquire(timeout=0.01)
        turns.release()


@pytest.mark.parametrize("folder", ["gone", "a.db/below"])
def test_where_no_file_can_be_made_a_process_has_turns_of_its_own(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a.db").touch()
    turns = FileTurns(tmp_path / folder / "a.db")
    assert turns.acquire(timeout=1)
    assert not turns.acquire(timeout=0.01)
    turns.release()
    assert turns.acquire(timeout=1)
