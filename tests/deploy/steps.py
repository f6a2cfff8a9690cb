"""The steps of a rehearsal: told as they happen, and at the end in one table."""

import http.client
import sqlite3
import subprocess
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playwright.sync_api import Error as BrowserError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# What can go wrong in a step: an expectation, a program, a connection, the browser, an answer's shape.
FAILURES = (
    AssertionError,
    OSError,
    subprocess.SubprocessError,
    http.client.HTTPException,
    sqlite3.Error,
    BrowserError,
    LookupError,
    ValueError,
)


@dataclass(frozen=True)
class Step:
    """One thing that is shown; what it does returns its figure, and raises one of FAILURES."""

    name: str
    shows: str
    do: Callable[[], str]


@dataclass
class _Outcome:
    figure: str = "not reached"
    seconds: float | None = None
    ok: bool | None = None


def expect_that(holds: bool, otherwise: str) -> None:
    """Fail the step with a sentence, unless it holds."""
    if not holds:
        raise AssertionError(otherwise)


def walk_through(steps: Sequence[Step], console: Console) -> bool:
    """Take one step after the other, up to the first that fails; whether all passed."""
    outcomes = {step.name: _Outcome() for step in steps}
    try:
        for number, step in enumerate(steps, 1):
            console.print(f"[bold]{number:>2}/{len(steps)} {step.name}[/]  {escape(step.shows)} …")
            if not _take(step, outcomes[step.name], console):
                break
    finally:
        console.print(_table(steps, outcomes))
    passed = all(outcome.ok for outcome in outcomes.values())
    total = sum(outcome.seconds or 0 for outcome in outcomes.values())
    failed = "".join(step.name for step in steps if outcomes[step.name].ok is False)
    ending = "All passed" if passed else f"Failed at: {failed or 'interrupted'}"
    console.print(f"{ending}, {total:.0f} s.", style="green" if passed else "red", highlight=False)
    return passed


def _take(step: Step, outcome: _Outcome, console: Console) -> bool:
    begun = time.monotonic()
    try:
        outcome.figure, outcome.ok = step.do(), True
    except FAILURES as error:
        outcome.figure, outcome.ok = "FAILED", False
        console.print(f"      ✗ {step.name}: {escape(_words(error))}", style="red", highlight=False)
    finally:
        outcome.seconds = time.monotonic() - begun
    if outcome.ok:
        told = f"      ✓ {escape(outcome.figure)} ({outcome.seconds:.1f} s)"
        console.print(told, style="green", highlight=False)
    return bool(outcome.ok)


def _words(error: Exception) -> str:
    """What a failure says; one that says nothing is told by its place in the code."""
    if str(error):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename}:{place.lineno}: {place.line}"


def _table(steps: Sequence[Step], outcomes: dict[str, _Outcome]) -> Table:
    table = Table("Step", "Shown", "Figure", show_lines=False)
    table.add_column("Seconds", justify="right")
    for step in steps:
        outcome = outcomes[step.name]
        seconds = "" if outcome.seconds is None else f"{outcome.seconds:.1f}"
        style = {True: "", False: "red", None: "dim"}[outcome.ok]
        table.add_row(step.name, escape(step.shows), escape(outcome.figure), seconds, style=style)
    return table
