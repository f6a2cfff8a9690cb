"""wrk as a program: its command line, where it may send, and what it says at its end."""

import json
import shutil
from collections.abc import Mapping
from urllib.parse import urlsplit

from harness.processes import DOMAIN, LOOPBACK

MARK = "wrk-summary "
# A name is ours alone: it leads to this machine, whatever the system's resolver would say.
_RESOLVE = f"""
function wrk.resolve(host, service) wrk.addrs = wrk.lookup("{LOOPBACK}", service) end
"""


class UnmeasurableError(Exception):
    """A round that tells nothing; the text says why."""


def command(
    url: str, script: str, *, seconds: float, threads: int, connections: int, timeout_s: int = 10
) -> list[str]:
    """The command line of a load.

    Raises:
        SystemExit: there is no wrk.
        ValueError: the load would leave this machine.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing. Install it: sudo apt-get install wrk")
    if urlsplit(url).hostname not in (LOOPBACK, DOMAIN):
        raise ValueError(f"Load goes to this machine only, not to {url}")
    sizes = ["--threads", str(threads), "--connections", str(connections)]
    times = ["--duration", f"{max(1, round(seconds))}s", "--timeout", f"{timeout_s}s"]
    return ["wrk", *sizes, *times, "--script", script, url]


def prologue() -> str:
    """What every script begins with."""
    return _RESOLVE


def quoted(text: str) -> str:
    """A string as Lua and JSON both write it."""
    return json.dumps(text, ensure_ascii=False)


def read_summary(said: str, complained: str) -> dict[str, int]:
    """What wrk counted.

    Raises:
        UnmeasurableError: it came to no end.
    """
    lines = [line for line in said.splitlines() if line.startswith(MARK)]
    if not lines:
        raise UnmeasurableError(f"wrk failed: {(complained or said).strip()[:200]}")
    counted: dict[str, int] = json.loads(lines[0].removeprefix(MARK))
    return counted


def refuse_errors(name: str, counted: Mapping[str, int], *, refused: bool = False) -> None:
    """Let nothing count that is no right answer.

    Args:
        refused: an error is the right answer.

    Raises:
        UnmeasurableError: there was something else, or nothing.
    """
    if not counted["requests"]:
        raise UnmeasurableError(f"{name} gave no answer")
    kinds = {"timeout": "timed out"}
    kinds |= {kind: f"sockets failed to {kind}" for kind in ("connect", "read", "write")}
    wrong = [f"{counted[kind]} {text}" for kind, text in kinds.items() if counted[kind]]
    errors = counted["status"]
    if errors and not refused:
        wrong.insert(0, f"{errors} answers were errors")
    if refused and errors < counted["requests"]:
        wrong.insert(0, f"{counted['requests'] - errors} were not refused")
    if wrong:
        raise UnmeasurableError(f"{name}: of {counted['requests']} requests " + ", ".join(wrong))
