"""The rehearsal passes where all is well, names the step where it is not, and leaves nothing behind."""

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.deploy.containers import ROOT

# A whole deployment takes two minutes, and more where two cores are shared.
pytestmark = pytest.mark.deploy


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: Chromium's socket would not fit into the usual one of a test."""
    with tempfile.TemporaryDirectory(prefix="rehearse-") as name:
        yield Path(name)


def rehearse(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make rehearse`, with its folder below the test's."""
    return subprocess.run(
        [sys.executable, "-m", "tests.deploy.rehearse"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )


def rows(printed: str) -> dict[str, str]:
    """The table's lines by their steps."""
    lines = re.findall(r"^│ (\S[^│]*?) +│[^│]*│([^│]*)│", printed, re.MULTILINE)
    return {step: figure.strip() for step, figure in lines if step != "Step"}


def left_running(folder: Path) -> list[list[str]]:
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if any(str(folder) in part for part in command)]


def put_in_place_of(program: str, folder: Path, script: str) -> dict[str, str]:
    """An environment in which another program has this one's name."""
    folder.mkdir()
    impostor = folder / program
    impostor.write_text(f"#!/bin/sh\n{script}\n")
    impostor.chmod(stat.S_IRWXU)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_whole_deployment_passes_and_no_request_fails(folder: Path) -> None:
    done = rehearse(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All passed" in done.stdout
    told = rows(done.stdout)
    assert len(told) == 18
    assert not [step for step, figure in told.items() if figure in ("", "FAILED", "not reached")]
    counted = re.fullmatch(r"(\d+) requests, 0 failed", told["no failure"])
    assert counted
    assert int(counted[1]) >= 10_000
    assert left_running(folder) == []
    assert [path.name for path in folder.glob("homeroom-rehearsal-*")] == []


def test_without_an_authority_it_fails_at_that_step_and_keeps_its_folder_if_asked(folder: Path) -> None:
    away = put_in_place_of("pebble", folder / "bin", "echo gone; exit 1")
    done = rehearse(folder, KEEP="1", **away)
    assert done.returncode == 1
    assert "✗ authority: pebble did not start\ngone" in done.stdout
    assert "Failed at: authority" in done.stdout
    told = rows(done.stdout)
    assert told["authority"] == "FAILED"
    assert set(told.values()) == {"FAILED", "not reached"}
    assert left_running(folder) == []
    (kept,) = re.findall(r"^Kept: (\S+)$", done.stdout, re.MULTILINE)
    assert (Path(kept) / "authority/pebble.log").exists()


def test_a_step_that_only_seems_to_succeed_is_noticed(folder: Path) -> None:
    idle = put_in_place_of("certbot", folder / "bin", "exit 0")
    done = rehearse(folder, **idle)
    assert done.returncode == 1
    assert "✗ certificate: certbot left no" in done.stdout
    told = rows(done.stdout)
    assert (told["install"][:5], told["certificate"], told["https"]) == ("port ", "FAILED", "not reached")
    assert left_running(folder) == []
    assert [path.name for path in folder.glob("homeroom-rehearsal-*")] == []
