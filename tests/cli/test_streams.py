"""What a command prints and nobody can read: one line or none, a status, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import free_port, homeroom

COMMANDS = (
    "secret-key",
    "--help",
    "doctor",
    "doctor --json",
    "user code admin",
    "roster codes --force --csv {site}/codes.csv",
    "db current",
    "backup --list",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    settings = {"INSTANCE_PATH": str(folder / "instance")}
    homeroom(settings, "prepare")
    homeroom(settings, "user", "create", "ada", "--name", "Ada")
    return folder


def in_shell(
    site: Path, command: str, redirection: str, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """What a command says and its status, with a shell's redirection."""
    script = f'exec "$0" -m homeroom {command.format(site=site)} {redirection}'
    return subprocess.run(
        ["sh", "-c", script, sys.executable],
        env=os.environ | {"INSTANCE_PATH": str(site / "instance")},
        stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_output_on_a_full_disk_is_told_in_one_line(site: Path, command: str) -> None:
    told = in_shell(site, command, "> /dev/full")
    line = "Error: Couldn't write to standard output: No space left on device.\n"
    assert (told.returncode, told.stderr) == (1, line)


@pytest.mark.parametrize("command", ["user code admin", "db current"])
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_so_is_output_without_a_buffer_or_without_a_place(
    site: Path, monkeypatch: pytest.MonkeyPatch, command: str, redirection: str, reason: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    told = in_shell(site, command, redirection)
    assert (told.returncode, told.stderr) == (1, f"Error: Couldn't write to standard output: {reason}.\n")


@pytest.mark.parametrize("command", ["secret-key", "--help", "doctor", "db current"])
def test_a_pipe_that_nobody_reads_is_a_status_and_no_word(site: Path, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = in_shell(site, command, "", stdout=writing)
    os.close(writing)
    assert (told.returncode, told.stderr) == (1, "")


@pytest.mark.parametrize("streams", ["2>&-", "<&- 2>&-", "2> /dev/full"])
def test_a_command_needs_no_standard_error(site: Path, streams: str) -> None:
    told = in_shell(site, "user code admin", streams)
    assert (told.returncode, "/join/#code=" in told.stdout) == (0, True)
    assert in_shell(site, "user code nobody", streams).returncode != 0


def test_a_closed_input_is_an_empty_one(site: Path) -> None:
    told = in_shell(site, "roster import -", "<&-")
    assert (told.returncode, len(told.stderr.splitlines())) == (1, 1)
    assert told.stderr.startswith("Error: ")


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_no_server_starts_whose_first_screen_nobody_sees(site: Path, redirection: str) -> None:
    told = in_shell(site, f"run --port {free_port()}", redirection)
    assert (told.returncode, "Traceback" in told.stderr) == (1, False)
    assert "Couldn't write to standard output" in told.stderr
