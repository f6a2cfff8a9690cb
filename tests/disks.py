"""Small disks that tests may fill: in memory, of their own size, mounted by root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTE = 1024 * 1024

# In CI nothing is skipped: a test that may not mount fails there.
needs_root = pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="only root may mount")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of so many MiB at a folder, for as long as the block runs."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """A file that takes every byte that is left on a small disk."""
    assert disk.is_mount()
    assert shutil.disk_usage(disk).total <= 100 * MEGABYTE
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            # That there is no room left is what was wanted.
            return filler
    raise AssertionError("the disk is not full")
