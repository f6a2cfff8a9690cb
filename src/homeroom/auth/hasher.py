"""The hasher: a process that hashes passwords, one after the other, behind everybody else.

`python -m homeroom.auth.hasher PARENT`, started by `hasher_process.py`. Each line on the standard
input is a question, and each line on the standard output its answer. Both are JSON. The process ends with its
input.

This module imports little: each megabyte is there once for each hash that runs at the same time.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from homeroom.auth.passwords import hash_password, verify_password
from homeroom.data.child_processes import end_with

# After so long without a question, the memory of the last hash goes back to the system. Taking it anew for
# each hash would make the hash a third slower.
IDLE_MS = 2_000
# Of a core that others keep busy, a tenth: a hash in a third of a second. The decoder of pictures has it too.
NICE = 10
_STDIN = 0


def main() -> None:
    """Answer until the input ends."""
    # Ctrl+C and `systemctl stop` reach all processes of a service. The worker still finishes its requests.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.excepthook = _tell_without_values
    (parent,) = sys.argv[1:]
    end_with(int(parent))
    # A crash leaves no passwords on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _give_way()
    _serve()


def answer(question: bytes) -> bytes:
    """Return the answer to a question, both one line of JSON.

    `["hash", password]` is answered by the hash, and `["verify", password, stored]` by
    `[right, better hash or null]`. `stored` may be null.
    """
    kind, *arguments = json.loads(question)
    return json.dumps(_WORK[kind](*arguments)).encode() + b"\n"


_WORK: dict[str, Callable[..., Any]] = {"hash": hash_password, "verify": verify_password}


def _give_way() -> None:
    """Let pages have the processor first."""
    try:
        os.nice(NICE)
    except OSError:
        # A sandbox may forbid the call, but not the sign-in.
        sys.stderr.write("Hashing competes with pages: this system refuses lower priorities.\n")


def _serve() -> None:
    questions = select.poll()
    questions.register(_STDIN, select.POLLIN)
    while True:
        if not questions.poll(IDLE_MS):
            _give_memory_back()
            questions.poll()
        question = sys.stdin.buffer.readline()
        if not question:
            return
        sys.stdout.buffer.write(answer(question))
        sys.stdout.buffer.flush()


def _give_memory_back() -> None:
    # Only glibc has this function, and only glibc needs it.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _tell_without_values(kind: type[BaseException], _: BaseException, where: TracebackType | None) -> None:
    """Write where an error occurred, but not its text, which may quote a password or a hash."""
    traceback.print_tb(where)
    sys.stderr.write(f"{kind.__name__} in the hasher\n")


if __name__ == "__main__":
    main()
