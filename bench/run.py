"""`make bench`: every script in turn, then the page that sums them up; with a name, that script alone."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from harness.results import RESULTS, SCRIPTS
from harness.script import console, stop_when_terminated, tell

BENCH = Path(__file__).parent
# No script may hang the others; the longest takes half of this.
SCRIPT_TIMEOUT_S = 1800
STOP_TIMEOUT_S = 60


def run(script: str, *arguments: str) -> bool:
    """Run one script; whether it came to its end. One that is stopped still stops what it started."""
    started = time.monotonic()
    # An older result must not stand for one that fails now.
    (RESULTS / f"{script}.json").unlink(missing_ok=True)
    with subprocess.Popen([sys.executable, str(BENCH / f"{script}.py"), *arguments]) as process:
        try:
            done = process.wait(timeout=SCRIPT_TIMEOUT_S) == 0
        except subprocess.TimeoutExpired:
            done = False
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=STOP_TIMEOUT_S)
    tell(f"{script}: {'done' if done else 'FAILED'} after {time.monotonic() - started:.0f} s")
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="script", help=f"one of {', '.join(SCRIPTS)}")
    parser.add_argument("--rounds", type=int, help="of every script, instead of its own number")
    parser.add_argument("--seconds", type=float, help="of each load of every script")
    given = parser.parse_args()
    only: list[str] = given.only
    arguments = [
        f"--{name}={value:g}"
        for name, value in (("rounds", given.rounds), ("seconds", given.seconds))
        if value is not None
    ]
    unknown = sorted(set(only) - set(SCRIPTS))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SCRIPTS)}")
    stop_when_terminated()
    failed = [script for script in only or SCRIPTS if not run(script, *arguments)]
    if not only and not run("summary"):
        failed.append("summary")
    if failed:
        console.print(f"Failed: {', '.join(failed)}", style="red")
        sys.exit(1)


if __name__ == "__main__":
    main()
