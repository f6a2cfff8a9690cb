"""A worker's side of a hasher: start it, ask it, and end it when it dies or takes too long."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import weakref
from typing import Any

from homeroom.data.child_processes import start_child

# A hash takes 25 ms of a core, and an old one of another server up to two seconds; where others keep every
# core busy, ten times as long.
DEADLINE_S = 20.0
_HASHER = (sys.executable, "-P", "-m", "homeroom.auth.hasher")


class HasherFailedError(Exception):
    """The hasher died, didn't start, or didn't answer in time; the text says which."""


class HasherProcess:
    """One hasher of one thread. It answers one question at a time, and ends with the thread that made it."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            HasherFailedError: the system has no room for another process.
        """
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                # A socket as both its input and its output: one deadline covers asking and answering.
                process = start_child(
                    [*_HASHER, str(os.getpid())], stdin=theirs.fileno(), stdout=theirs.fileno()
                )
            except OSError as error:
                self._socket.close()
                raise HasherFailedError(f"didn't start: {error.strerror}") from None
        self._socket.settimeout(DEADLINE_S)
        self._file = self._socket.makefile("rwb")
        self.pid = process.pid
        self._end = weakref.finalize(self, _end, process, self._file, self._socket)

    def ask(self, *question: str | None) -> Any:
        """Return the answer to a question, see `hasher.answer`.

        Raises:
            HasherFailedError: it died, or didn't answer in time; call `end`, and start another one.
        """
        try:
            self._file.write(json.dumps(question).encode() + b"\n")
            self._file.flush()
            line = self._file.readline()
        except TimeoutError:
            raise HasherFailedError("didn't answer in time") from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise HasherFailedError("died")
        return json.loads(line)

    def end(self) -> None:
        """End the process, whatever it does."""
        self._end()


def _end(process: subprocess.Popen[bytes], *channels: Any) -> None:
    process.kill()
    process.wait()
    for channel in channels:
        # Part of a question may be left to send, and nobody reads it.
        with contextlib.suppress(OSError):
            channel.close()
