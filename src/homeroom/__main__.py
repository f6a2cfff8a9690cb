"""The `homeroom` command, also as `python -m homeroom`."""

import sys
from importlib import import_module

# What a shell reports of a program that Ctrl+C ended: 128 and the signal's number.
INTERRUPTED = 130


def main() -> None:
    """Load the command line and run it; Ctrl+C ends it quietly from the first moment on."""
    try:
        # Only now: it takes a part of a second, in which an interruption would print a traceback.
        streams = import_module("homeroom.cli.streams")
        streams.fill_closed_streams()
        command_line = import_module("homeroom.cli").main
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    with streams.output_told():
        command_line()


if __name__ == "__main__":
    main()
