"""The suite itself: it runs without pytest-xdist, and says by which seed it was shuffled."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
ONE_TEST = "tests/resources/test_greeting.py"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_suite_runs_without_xdist(tmp_path: Path) -> None:
    """As on a machine where it was never installed: whatever imports it fails."""
    (tmp_path / "xdist").mkdir()
    (tmp_path / "xdist/__init__.py").write_text("raise ModuleNotFoundError(__name__)\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    done = run("-p", "no:xdist.looponfail", ONE_TEST, PYTHONPATH=path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_seed_of_the_order_is_printed_and_repeats_the_order() -> None:
    first, second = (run("-v", "--randomly-seed=7", ONE_TEST).stdout for _ in range(2))
    assert "Using --randomly-seed=7" in first
    orders = [[line.split()[0] for line in out.splitlines() if "::" in line] for out in (first, second)]
    assert orders[0] == orders[1] != []
