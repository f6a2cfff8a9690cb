"""How long somebody's texts have kept the processor: a bucket that leaks, in memory, for each of a process.

A text of a page takes milliseconds. Whoever sends nothing but what takes a quarter of a second would have
half of a worker for as long as they like, though nobody waits for a turn behind them.
"""

import math
import threading
import time
from typing import cast

from flask import Flask, current_app

# A long text with many marks, at each pause of its author's typing, stays far below.
MOST_S = 5.0
LEAKS_PER_S = 0.2
# Levels sink to nothing within 25 s, and who has none is forgotten.
_MAX_REMEMBERED = 1_000
_EXTENSION = "homeroom_reading_times"


class ReadingTimes:
    """The levels of those whose texts were read lately, in seconds of the processor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[int, tuple[float, float]] = {}

    def note(self, person: int, used_s: float) -> None:
        """Somebody's text took that long."""
        with self._lock:
            now = time.monotonic()
            if len(self._levels) >= _MAX_REMEMBERED:
                self._levels = {one: kept for one, kept in self._levels.items() if self._level(one, now) > 0}
            self._levels[person] = (self._level(person, now) + used_s, now)

    def wait_s(self, person: int) -> int:
        """In how many seconds the next text may be read; 0: now."""
        with self._lock:
            over = self._level(person, time.monotonic()) - MOST_S
        return max(0, math.ceil(over / LEAKS_PER_S))

    def _level(self, person: int, now: float) -> float:
        level, at = self._levels.get(person, (0.0, now))
        return max(0.0, level - (now - at) * LEAKS_PER_S)


def init_reading_times(app: Flask) -> None:
    """Give the app its memory of them."""
    app.extensions[_EXTENSION] = ReadingTimes()


def current_reading_times() -> ReadingTimes:
    """Those of the running app."""
    return cast("ReadingTimes", current_app.extensions[_EXTENSION])
