"""The standard streams: what cannot be shown ends a command with a line, not with a traceback."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2
# How /dev/null takes the place of each: input is empty, output fails, and what is wrong is told to nobody.
_PLACES = {_INPUT: os.O_RDONLY, _OUTPUT: os.O_RDONLY, _ERRORS: os.O_WRONLY}


class _Output(io.FileIO):
    """Standard output, which keeps why it could not be written: some libraries tell nobody."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise


def fill_closed_streams() -> None:
    """Open the streams that were closed before the start (`>&-`).

    Otherwise the next file that is opened, such as the database, gets a stream's number, and with it whatever
    is printed. In Python such a stream is None, which most of what prints doesn't expect.
    """
    for number, mode in _PLACES.items():
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number: those below are taken.
            os.open(os.devnull, mode)
    if sys.stdin is None:
        sys.stdin = open(_INPUT, encoding="utf-8", closefd=False)  # noqa: SIM115  until the end
    if sys.stderr is None:
        sys.stderr = open(_ERRORS, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


@contextmanager
def output_told() -> Iterator[None]:
    """End a command whose output could not be written with one line, and with status 1.

    A closed pipe is told by the status alone: its reader has what it wanted.
    """
    output = _watch_output()
    try:
        yield
    except (Exception, SystemExit):
        _end_if_failed(output)
        raise
    _end_if_failed(output)


def _watch_output() -> _Output:
    output, before = _Output(_OUTPUT, "w", closefd=False), sys.stdout
    if not isinstance(before, io.TextIOWrapper):
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(output), encoding="utf-8")
        return output
    sys.stdout = io.TextIOWrapper(
        # As Python makes it, which has no buffer with `python -u`.
        output if before.write_through else io.BufferedWriter(output),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )
    return output


def _end_if_failed(output: _Output) -> None:
    with suppress(OSError):
        sys.stdout.flush()
    if output.failure is None:
        return
    if output.failure.errno != errno.EPIPE:
        with suppress(OSError):
            click.echo(f"Error: Couldn't write to standard output: {output.failure.strerror}.", err=True)
    # Otherwise the interpreter tries to write the rest at its end, and tells the failure in its own words.
    os.dup2(os.open(os.devnull, os.O_WRONLY), _OUTPUT)
    sys.exit(1)
