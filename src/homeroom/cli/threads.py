"""How many workers a server has, how many threads each, and for whom."""

import os
from pathlib import Path

from homeroom.auth.hashing import MAX_HASHES_WAITING
from homeroom.config import usable_cores
from homeroom.uploads.receiving import MAX_UPLOADS_WAITING, UPLOADS_AT_ONCE

# Sign-ins and uploads wait their turn on a thread; that many may wait, and pages have theirs all the same.
PAGE_THREADS = 2 * (os.cpu_count() or 1) + 1
# A class that reloads at once: most wait for the database or for Python itself. Threads start when needed.
BURST_THREADS = 64
# Requests that may be under way at once in a worker.
PLACES = MAX_HASHES_WAITING + MAX_UPLOADS_WAITING + UPLOADS_AT_ONCE + PAGE_THREADS + BURST_THREADS
# A few more: whoever asks whether the process lives, or is told that there is no place, finds one.
THREADS_PER_WORKER = PLACES + 4

# Beyond four, SQLite's one writer and the hashes decide, and not how many answer.
MAX_WORKERS = 4
# What a worker may take while pictures and sign-ins come in, with the processes that decode for it.
_WORKER_BYTES = 256 * 1024 * 1024
# The limit of a container: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def workers_of_this_machine() -> int:
    """As many workers as there are cores, within the memory that there is."""
    return max(1, min(MAX_WORKERS, usable_cores(), _memory_bytes() // _WORKER_BYTES))


def _memory_bytes() -> int:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = _CONTAINER_LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdigit() else machine
