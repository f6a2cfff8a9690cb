"""Releases: each version in a virtual environment of its own, beside the others."""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

# What the build reads; a `build/` of before could bring back modules that are gone.
_SOURCES = ("pyproject.toml", "README.md", "LICENSE")
_BUILD_TIMEOUT_S = 900
# A release has about 230 MiB; what is left must do for the site's own writing.
ROOM_MIB = 400


class ReleaseError(Exception):
    """A version could not be built; the text says why."""


def build_release(source: Path, releases: Path) -> Path:
    """Install the checkout at `source`, with the packages of its lock, and return where.

    Raises:
        ReleaseError: the folder is no checkout, there is no room, or a package cannot be had or has another
            hash.
    """
    release = releases / f"{_version(source)}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    releases.mkdir(parents=True, exist_ok=True)
    _check_room(releases)
    python = release / "bin/python"
    try:
        _run(sys.executable, "-m", "venv", str(release))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        _run(*pip, "--require-hashes", "-r", str(source / "requirements/run.txt"))
        with tempfile.TemporaryDirectory() as folder:
            clean = Path(folder) / "homeroom"
            shutil.copytree(
                source / "src", clean / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
            for name in _SOURCES:
                shutil.copy(source / name, clean)
            _run(*pip, "--no-build-isolation", str(clean))
    except BaseException:
        # Also when it is interrupted: half a release is none.
        shutil.rmtree(release, ignore_errors=True)
        raise
    return release


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 1024**2
    if free < ROOM_MIB:
        raise ReleaseError(f"{free} MiB are free where {folder} is; a version needs {ROOM_MIB}. Make room.")


def forget_releases(releases: Path, *, keep: set[Path]) -> None:
    """Delete the releases that are not of `keep`: older ones, and what was left when one was cut off."""
    if not releases.exists():
        return
    for release in releases.iterdir():
        if release.resolve() not in keep:
            shutil.rmtree(release)


def _version(source: Path) -> str:
    try:
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if project["name"] != "homeroom":
            raise ReleaseError(f"{source} holds the project {project['name']}, not Homeroom.")
        return str(project["version"])
    except (OSError, KeyError, ValueError):
        raise ReleaseError(
            f"{source} is no checkout of Homeroom: name the folder with pyproject.toml in it."
        ) from None


def _run(*command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  our own commands, by their lists
            command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{command[-1]} is not installed after {_BUILD_TIMEOUT_S} s.") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ReleaseError("The version cannot be installed:\n" + "\n".join(lines[-8:]))
