"""What a service takes of the machine: processor time and memory of all its processes, children included."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from harness.processes import Service

LOOK_EVERY_S = 0.4
# A service at rest uses less than this share of one core; it gets so long to come to rest.
_AT_REST, _REST_LOOK_S, REST_TIMEOUT_S = 0.05, 0.1, 5.0
T = TypeVar("T")


@dataclass(frozen=True)
class Consumption:
    """What was taken while something went on."""

    cpu_s: float
    peak_mb: float


def family(roots: Iterable[psutil.Process]) -> Iterator[psutil.Process]:
    """The processes and all that they started.

    From what Linux knows of each thread's children: psutil looks at every process of the machine, which would
    cost the services that are measured the time.
    """
    for root in roots:
        yield root
        yield from family(_children(root.pid))


def _children(pid: int) -> Iterator[psutil.Process]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in path.read_text(encoding="ascii").split():
                yield psutil.Process(int(child))
        except (OSError, psutil.Error):
            # It has just ended.
            continue


def roots_of(service: Service) -> tuple[psutil.Process, ...]:
    """The processes at whose expense a service answers."""
    return (service.process, *service.others)


def cpu_seconds(roots: Sequence[psutil.Process]) -> float:
    """Seconds on processors so far; a child that has ended counts with its parent."""
    total = 0.0
    for process in family(roots):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue
    return total


def pss_mb(process: psutil.Process) -> float:
    """A process's own memory and its share of what it has in common with others."""
    pss: int = process.memory_full_info().pss
    return pss / 1024**2


def memory_mb(roots: Sequence[psutil.Process]) -> float:
    """The memory of the processes and of all that they started."""
    total = 0.0
    for process in family(roots):
        try:
            total += pss_mb(process)
        except psutil.Error:
            # It has just ended.
            continue
    return total


class Peak(threading.Thread):
    """The largest value of something looked at again and again, while the block runs."""

    def __init__(self, look: Callable[[], float], every_s: float = LOOK_EVERY_S) -> None:
        super().__init__(daemon=True)
        self._look, self._every_s, self._over = look, every_s, threading.Event()
        self.highest = 0.0

    def run(self) -> None:
        while not self._over.wait(self._every_s):
            self.highest = max(self.highest, self._look())

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
        self.highest = max(self.highest, self._look())


def consumed(service: Service, apply: Callable[[], T]) -> tuple[T, Consumption]:
    """What something asked of a service came to, and took, until the service is at rest again."""
    roots = roots_of(service)
    before = cpu_seconds(roots)
    with Peak(lambda: memory_mb(roots)) as memory:
        result = apply()
    come_to_rest(roots)
    return result, Consumption(cpu_seconds(roots) - before, memory.highest)


def come_to_rest(roots: Sequence[psutil.Process]) -> None:
    """Wait until what was begun is done, so that it disturbs nobody else's measurement."""
    deadline, seen = time.monotonic() + REST_TIMEOUT_S, cpu_seconds(roots)
    while time.monotonic() < deadline:
        time.sleep(_REST_LOOK_S)
        now = cpu_seconds(roots)
        if now - seen <= _AT_REST * _REST_LOOK_S:
            return
        seen = now
