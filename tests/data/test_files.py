"""Files are whole and on the disk: bytes first, then the name, then the folder that holds the name."""

import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from homeroom.auth.keys import signing_keys
from homeroom.cli.address import remember_address
from homeroom.config import load_config
from homeroom.data.files import create_file, new_file, rename_file, replace_file
from homeroom.data.types import utc_now
from homeroom.operations.backup.state import Outcome, note_drill
from homeroom.roster.sheet import write_private
from homeroom.uploads.storage import LocalStorage


class Disk:
    """Notes what is waited for, and which names are there at that moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited: list[tuple[Path, frozenset[str] | None]] = []
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._note)

    def _note(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        # A folder with its names; of a file nothing more.
        self.waited.append((path, frozenset(one.name for one in path.iterdir()) if path.is_dir() else None))

    def has(self, path: Path) -> bool:
        """Whether a file was waited for, and after it its folder, with the name in it."""
        files = [place for place, (_, names) in enumerate(self.waited) if names is None]
        folders = [
            place
            for place, (waited, names) in enumerate(self.waited)
            if waited == path.parent and names is not None and path.name in names
        ]
        return bool(files and folders) and files[0] < folders[-1]


def _key(folder: Path) -> Path:
    signing_keys(load_config(instance_path=folder / "new"))
    return folder / "new" / "secret_key"


def _picture(folder: Path) -> Path:
    LocalStorage(folder).save("pictures/1-a/card.webp", b"bytes")
    return folder / "pictures/1-a/card.webp"


def _sheet(folder: Path) -> Path:
    write_private(folder / "codes.csv", b"codes", overwrite=False)
    return folder / "codes.csv"


def _drill(folder: Path) -> Path:
    outcome = Outcome(at=utc_now(), ok=True, archive="a", seconds=1, problems=[])
    note_drill(load_config(instance_path=folder), outcome)
    (path,) = folder.glob("*")
    return path


def _address(folder: Path) -> Path:
    remember_address("http://localhost:8086", load_config(instance_path=folder))
    (path,) = folder.glob("*")
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "the signing key": _key,
    "a picture": _picture,
    "the sheet of codes": _sheet,
    "how a drill ended": _drill,
    "the site's address": _address,
}


@pytest.mark.parametrize("what", WRITERS)
def test_bytes_and_name_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    disk = Disk(monkeypatch)
    path = WRITERS[what](tmp_path)
    assert path.exists()
    assert disk.has(path), disk.waited
    # Nothing is left of what was written aside.
    assert [one for one in path.parent.iterdir() if one.name.startswith(".") and one != path] == []


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_of_twelve_who_make_a_file_one_does_and_all_read_it_whole(tmp_path: Path) -> None:
    path, barrier = tmp_path / "file", threading.Barrier(12)

    def make(number: int) -> bool:
        barrier.wait(timeout=30)
        try:
            create_file(path, bytes([number]) * 100_000)
        except FileExistsError:
            assert len(path.read_bytes()) == 100_000
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(make, range(12))) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_of_twelve_who_replace_a_file_readers_see_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: replace_file(path, bytes([number]) * 100_000), range(48)))
    assert len(set(path.read_bytes())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_their_owners_alone_unless_said_otherwise(tmp_path: Path) -> None:
    with new_file(tmp_path / "new") as file:
        file.write(b"bytes")
    create_file(tmp_path / "made", b"bytes")
    replace_file(tmp_path / "replaced", b"bytes")
    rename_file(tmp_path / "new", tmp_path / "renamed")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("made", "renamed", "replaced"), 0o600)
    replace_file(tmp_path / "made", b"bytes", mode=0o644)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o644
