"""Other versions of Python on this machine, each with Homeroom and its locked dependencies."""

import shutil
import subprocess
import sys
from pathlib import Path

from harness.processes import BENCH, ServiceFailedError, last_line

VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.14t")
ROOT = BENCH.parent


def find(version: str) -> Path | None:
    """The interpreter of a version: of pyenv, or on the path."""
    pyenv = Path.home() / ".pyenv" / "versions"
    free_threaded = version.endswith("t")
    number = version.removesuffix("t")
    for folder in sorted(pyenv.glob(f"{number}.*"), reverse=True):
        if folder.name.endswith("t") == free_threaded and (folder / "bin" / "python").exists():
            return folder / "bin" / "python"
    found = shutil.which(f"python{version}")
    return Path(found) if found else None


def environment(version: str, folder: Path) -> str:
    """An interpreter of this version that knows Homeroom; the bench's own where it has the version.

    Raises:
        ServiceFailedError: the version isn't there, or a dependency has no wheel for it.
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    interpreter = find(version)
    if interpreter is None:
        raise ServiceFailedError("not installed")
    place = folder / version
    _run(str(interpreter), "-m", "venv", str(place))
    python = str(place / "bin" / "python")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps")
    lock = str(ROOT / "requirements" / "run.txt")
    try:
        _run(*pip, "--only-binary", ":all:", "--require-hashes", "-r", lock)
    except ServiceFailedError as error:
        raise ServiceFailedError(f"no wheels: {error}") from None
    _run(*pip, "--no-build-isolation", "--editable", str(ROOT))
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise ServiceFailedError(last_line(done.stderr))
