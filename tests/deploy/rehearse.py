"""`make rehearse`: the whole deployment on one machine, told step by step, with a table at the end.

Exit status 1 if a step failed. Everything that it started is stopped and its folder removed; KEEP=1 keeps the
folder. Nothing needs root.
"""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from homeroom.config import Config
from tests.deploy.rehearsal import rehearsing
from tests.deploy.steps import walk_through


def main() -> int:
    """Rehearse, and say by the exit status whether all passed."""
    # Told to end, it stops what it started, as with Ctrl+C.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
    # Settings of a site of this machine have no part in it: its database is not the rehearsal's.
    for name in Config.model_fields:
        os.environ.pop(name.upper(), None)
    console = Console(width=None if sys.stdout.isatty() else 140)
    folder = Path(tempfile.mkdtemp(prefix="homeroom-rehearsal-"))
    try:
        with rehearsing(folder) as rehearsal:
            return 0 if walk_through(rehearsal.steps(), console) else 1
    except KeyboardInterrupt:
        return 130
    finally:
        if os.environ.get("KEEP"):
            console.print(f"Kept: {folder}", highlight=False)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
