"""The queue before the decoder: bounded, and fair to people."""

import threading
from contextlib import ExitStack

import pytest

from homeroom.uploads.turns import FairQueue, QueueFullError, WaitedTooLongError


@pytest.fixture
def storage_kind() -> str:
    """Nothing is stored here."""
    return "none"


def wait_for(queue: FairQueue, waiting: int) -> None:
    deadline = threading.Event()
    while len(queue._waiting) < waiting:
        deadline.wait(0.001)


def line_up(queue: FairQueue, people: list[int]) -> tuple[list[int], list[threading.Thread]]:
    """People who come one after the other and leave at once; the order in which they had a place."""
    served: list[int] = []
    threads = []

    def visit(person: int) -> None:
        with queue.place(person, wait_s=60, called_off=lambda: False):
            served.append(person)

    for number, person in enumerate(people, 1):
        thread = threading.Thread(target=visit, args=(person,))
        thread.start()
        threads.append(thread)
        wait_for(queue, number)
    return served, threads


def test_who_sends_one_does_not_wait_for_all_of_who_sends_many() -> None:
    queue = FairQueue(1, 10)
    with queue.place(7, wait_s=0, called_off=lambda: False):
        served, threads = line_up(queue, [7, 7, 7, 7, 8, 9, 8])
    for thread in threads:
        thread.join()
    assert served == [8, 9, 7, 8, 7, 7, 7]


def test_the_line_has_an_end_and_a_wait_too() -> None:
    queue = FairQueue(2, 0)
    with ExitStack() as places:
        for person in (1, 2):
            places.enter_context(queue.place(person, wait_s=0, called_off=lambda: False))
        with pytest.raises(QueueFullError), queue.place(3, wait_s=60, called_off=lambda: False):
            raise AssertionError("there is no place")
    queue = FairQueue(1, 1)
    with queue.place(1, wait_s=0, called_off=lambda: False):
        with pytest.raises(WaitedTooLongError), queue.place(2, wait_s=0, called_off=lambda: False):
            raise AssertionError("there is no place")
        with pytest.raises(WaitedTooLongError), queue.place(2, wait_s=600, called_off=lambda: True):
            raise AssertionError("the wait is called off")
    with queue.place(2, wait_s=0, called_off=lambda: False):
        assert not queue._waiting


def test_one_person_may_wait_so_often_and_leaves_room_for_others() -> None:
    queue = FairQueue(1, 4, most_of_one=2)
    with queue.place(7, wait_s=0, called_off=lambda: False):
        served, threads = line_up(queue, [7, 7])
        with pytest.raises(QueueFullError), queue.place(7, wait_s=60, called_off=lambda: False):
            raise AssertionError("two wait already")
        more, others = line_up(queue, [8, 9])
    for thread in threads + others:
        thread.join()
    assert sorted(served + more) == [7, 7, 8, 9]


def test_nobody_is_remembered_who_has_had_their_turn() -> None:
    queue = FairQueue(1, 10)
    for person in range(1000):
        with queue.place(person, wait_s=0, called_off=lambda: False):
            assert len(queue._next_rounds) <= 2
