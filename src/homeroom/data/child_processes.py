"""Processes that do one thing for a worker: what they inherit from it, and that they end with it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from homeroom.data.cores import give_all_cores

# What Python needs to start and to find its modules. Of the settings, keys among them, a child gets none.
_INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
_PR_SET_PDEATHSIG = 1


def start_child(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a child process of ours, without any setting, on every core. `options` are those of `Popen`.

    Raises:
        OSError: the system has no room for another process.
    """
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    process = subprocess.Popen(command, env=environment, **options)  # noqa: S603  ours
    give_all_cores(process.pid)
    return process


def end_with(parent: int) -> None:
    """End this process when the thread that started it ends, and so when `parent` is killed (Linux only).

    Elsewhere, the child must notice that its input ends.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The worker is gone.")
