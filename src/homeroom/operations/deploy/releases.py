"""Releases: each version in a virtual environment of its own, beside the others."""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

# What the build reads; a `build/` of before could bring back modules that are gone.
_SOURCES = ("pyproject.toml", "README.md", "LICENSE")
_BUILD_TIMEOUT_S = 900
_LOCK = "requirements/run.txt"
# A copy of the lock, in what has all of its packages and no others; deploy/machine/install.sh writes it, too.
_LOCK_OF_RELEASE = "packages.lock"
_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
# A release has about 230 MiB; what is left must do for the site's own writing.
ROOM_MIB = 400


class ReleaseError(Exception):
    """A version could not be built; the text says why."""


def build_release(source: Path, releases: Path, *, at_hand: Iterable[Path] = ()) -> Path:
    """Install the checkout at `source`, with the packages of its lock, and return where.

    Packages are not installed anew where an environment `at_hand` has those of the same lock: its files are
    linked, which takes a second.

    Raises:
        ReleaseError: the folder is no checkout, there is no room, or a package cannot be had or has another
            hash.
    """
    release = releases / f"{_version(source)}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    releases.mkdir(parents=True, exist_ok=True)
    _check_room(releases)
    try:
        _provide_packages(release, source / _LOCK, at_hand)
        with tempfile.TemporaryDirectory() as folder:
            clean = Path(folder) / "homeroom"
            shutil.copytree(
                source / "src", clean / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
            for name in _SOURCES:
                shutil.copy(source / name, clean)
            _install(release, "--no-build-isolation", str(clean))
    except BaseException:
        # Also when it is interrupted: half a release is none.
        shutil.rmtree(release, ignore_errors=True)
        raise
    return release


def _provide_packages(release: Path, lock: Path, at_hand: Iterable[Path]) -> None:
    environment = next((one for one in at_hand if _has_packages(one, lock)), None)
    if environment is None:
        _run(sys.executable, "-m", "venv", str(release))
        _install(release, "--require-hashes", "-r", str(lock))
    else:
        _run(sys.executable, "-m", "venv", "--without-pip", str(release))
        _link_packages(environment, release)
    shutil.copy(lock, release / _LOCK_OF_RELEASE)


def _has_packages(environment: Path, lock: Path) -> bool:
    recorded = environment / _LOCK_OF_RELEASE
    return (
        recorded.is_file()
        and recorded.read_bytes() == lock.read_bytes()
        and (environment / _PACKAGES).is_dir()
    )


def _link_packages(environment: Path, release: Path) -> None:
    try:
        shutil.copytree(
            environment / _PACKAGES,
            release / _PACKAGES,
            symlinks=True,
            # The version that serves may be writing down what it has compiled.
            ignore=shutil.ignore_patterns("homeroom", "homeroom-*.dist-info", "*.pyc.*"),
            copy_function=_link,
            dirs_exist_ok=True,
        )
    except shutil.Error as error:
        reasons = "\n".join(str(reason) for _source, _target, reason in error.args[0][:8])
        raise ReleaseError(f"The packages of {environment} can't be linked:\n{reasons}") from None


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one without links.
        shutil.copy2(source, target)


def _install(release: Path, *what: str) -> None:
    pip = (str(release / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--no-deps", *what)


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 1024**2
    if free < ROOM_MIB:
        raise ReleaseError(
            f"The disk of {folder} has {free} MiB left, and a version needs {ROOM_MIB}. Free some space."
        )


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
            f"{source} isn't a checkout of Homeroom. Pass the folder that contains pyproject.toml."
        ) from None


def _run(*command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  our own commands, by their lists
            command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{command[-1]} wasn't installed within {_BUILD_TIMEOUT_S} s.") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ReleaseError("The version can't be installed:\n" + "\n".join(lines[-8:]))
