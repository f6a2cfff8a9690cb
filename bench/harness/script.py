"""What each bench script does around its measuring: read its arguments, print, keep the result."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.machine import Quiet
from harness.results import RESULTS, Result, save
from harness.tables import print_result

# A pipe tells no width, and the tables need some.
console = Console(width=None if sys.stdout.isatty() else 120)
_progress = Console(stderr=True)


@dataclass(frozen=True)
class Options:
    """How often and how long to measure, and where to keep the result."""

    rounds: int
    seconds: float
    results: Path
    quiet: Quiet


def read_options(about: str | None, *, rounds: int = 5, seconds: float = 3) -> Options:
    """A script's command line; the defaults are those of `make bench`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    parser.add_argument("--seconds", type=float, default=seconds, help=f"of each load, default {seconds:g}")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file")
    given = parser.parse_args()
    stop_when_terminated()
    return Options(given.rounds, given.seconds, given.results, Quiet.now())


def stop_when_terminated() -> None:
    """Let SIGTERM end the program as an exception does, so that what was started is stopped."""

    def end(*_: object) -> None:
        raise SystemExit("terminated")

    signal.signal(signal.SIGTERM, end)


def run(
    about: str | None, measure: Callable[[Options, Path], Result], *, rounds: int, seconds: float
) -> None:
    """A script whose measuring is one function of its options and a folder, which goes when it is done."""
    options = read_options(about, rounds=rounds, seconds=seconds)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    finish(result, options)


def tell(text: str) -> None:
    """A line on what is going on, for those who watch."""
    _progress.print(f"[dim]{text}[/dim]", highlight=False)


def finish(result: Result, options: Options) -> None:
    """Print a result and keep it."""
    print_result(result, console)
    path = save(result, options.results, options.quiet)
    tell(f"kept in {path}")
