"""Which core a worker keeps to. Its threads take turns in Python, one at a time.

Left alone, the system spreads them over all cores, and each turn then wakes another core: in a virtual
machine that costs as much as a small request itself. docs/decisions/server.md has what this gains.
"""

import os
from collections.abc import Sequence

_all_cores: frozenset[int] = frozenset()


def core_of(worker: int, workers: int) -> int | None:
    """The core of a worker, counted from 0; None: the system chooses.

    Where workers are fewer than cores, two servers on a machine would choose the same ones.
    """
    cores = _cores()
    return cores[worker] if 1 < workers == len(cores) else None


def keep_to(core: int) -> None:
    """Let this thread, and those that it starts, run on one core, if the system allows that."""
    global _all_cores
    all_cores = frozenset(_cores())
    try:
        os.sched_setaffinity(0, {core})
    except OSError:
        # A sandbox forbids it, or the core was taken away. The worker serves all the same.
        return
    _all_cores = all_cores


def give_all_cores(process_id: int) -> None:
    """Let a process that was started here run on every core that its worker might have had."""
    if not _all_cores:
        return
    try:
        os.sched_setaffinity(process_id, _all_cores)
    except OSError:
        # It has ended already, which whoever started it sees.
        return


def _cores() -> Sequence[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ()
