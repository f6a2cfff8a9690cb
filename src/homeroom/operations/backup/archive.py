"""The archive: a tar of tables, pictures and a manifest that every byte is checked against.

Whoever has lost everything but an archive can read it with `tar`, and with `age` where it is encrypted:

    uploads/pictures/…      the pictures' files
    tables/users.jsonl      a line of JSON for each row
    secret_key              in encrypted archives only
    manifest.json           what all this adds up to; last, for what has none was never finished
    manifest.json.sha256    as `sha256sum` writes it
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from homeroom.data.files import new_file
from homeroom.operations.backup.errors import ArchiveError
from homeroom.operations.backup.manifest import FORMAT, FileSum, Manifest
from homeroom.operations.backup.progress import Progress

MANIFEST = "manifest.json"
SECRET_KEY = "secret_key"  # noqa: S105  the name of the file, not the key
_MANIFEST_SUM = f"{MANIFEST}.sha256"
_CHUNK_BYTES = 1024 * 1024


class ArchiveWriter:
    """Writes an archive, member by member."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.files: dict[str, FileSum] = {}

    def add_picture(self, name: str, data: bytes) -> None:
        """A picture's file, by the name that the storage has for it."""
        self.files[name] = self._add(f"uploads/{name}", data)

    def add_table(self, name: str, path: Path) -> None:
        """A table's lines."""
        with path.open("rb") as lines:
            self._tar.addfile(_member(f"tables/{name}.jsonl", path.stat().st_size), lines)

    def add_secret_key(self, data: bytes) -> FileSum:
        """The key that join codes are derived from."""
        return self._add(SECRET_KEY, data)

    def finish(self, manifest: Manifest) -> None:
        """Without this the archive is none."""
        data = manifest.model_dump_json(indent=1).encode()
        written = self._add(MANIFEST, data)
        self._add(_MANIFEST_SUM, f"{written.sha256}  {MANIFEST}\n".encode())

    def _add(self, name: str, data: bytes) -> FileSum:
        self._tar.addfile(_member(name, len(data)), io.BytesIO(data))
        return FileSum(size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    return member


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """A new archive that its owner alone may read; it is on the disk when this ends."""
    with new_file(path) as file, tarfile.open(fileobj=file, mode="w") as tar:
        yield ArchiveWriter(tar)


@dataclass(frozen=True)
class Archive:
    """An archive whose every byte was found to be what the manifest says."""

    manifest: Manifest
    _tar: tarfile.TarFile

    def lines(self, table: str) -> Iterator[bytes]:
        """A table's lines."""
        yield from self._member(f"tables/{table}.jsonl")

    def picture(self, name: str) -> bytes:
        """A picture's file."""
        return self._member(f"uploads/{name}").read()

    def secret_key(self) -> bytes | None:
        """The key, where the archive has one."""
        return None if self.manifest.secret_key is None else self._member(SECRET_KEY).read()

    def _member(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(name)
        assert file is not None
        return file


@contextmanager
def reading(path: Path, name: str, progress: Progress) -> Iterator[Archive]:
    """Check an archive, which people know by its name, then read it.

    Raises:
        ArchiveError: it is damaged, not whole, not Homeroom's, or of a newer format.
    """
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield Archive(_check(tar, progress), tar)
    except tarfile.TarError:
        raise ArchiveError(f"{name} isn't a Homeroom archive, or is damaged.") from None


def _check(tar: tarfile.TarFile, progress: Progress) -> Manifest:
    progress.stage("Checking the archive")
    found: dict[str, FileSum] = {}
    for member in tar:
        if not member.isfile() or member.name in found:
            raise ArchiveError(f"{member.name!r} has no place in an archive of Homeroom's.")
        found[member.name] = _sum_member(tar, member)
        progress.advance()
    manifest = _read_manifest(tar, found)
    _compare(found, _expected(manifest))
    return manifest


def _sum_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> FileSum:
    file = tar.extractfile(member)
    assert file is not None
    digest = hashlib.sha256()
    size = 0
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return FileSum(size=size, sha256=digest.hexdigest())


def _read_manifest(tar: tarfile.TarFile, found: dict[str, FileSum]) -> Manifest:
    if MANIFEST not in found or _MANIFEST_SUM not in found:
        raise ArchiveError("The archive is incomplete or isn't Homeroom's: it has no manifest.")
    parts = [tar.extractfile(name) for name in (MANIFEST, _MANIFEST_SUM)]
    data, written = (part.read() for part in parts if part is not None)
    if written != f"{found[MANIFEST].sha256}  {MANIFEST}\n".encode():
        raise ArchiveError("The archive is damaged: its manifest has changed.")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise ArchiveError(_why_unread(error)) from None


def _why_unread(error: ValidationError) -> str:
    return (
        f"The archive's manifest cannot be understood ({error.error_count()} fields are not as in format "
        f"{FORMAT}): it was made by another version of Homeroom. Install that version, or a newer one."
    )


def _expected(manifest: Manifest) -> dict[str, FileSum]:
    expected = {f"uploads/{name}": file for name, file in manifest.files.items()}
    for name, table in manifest.tables.items():
        expected[f"tables/{name}.jsonl"] = FileSum(size=table.size, sha256=table.sha256)
    if manifest.secret_key is not None:
        expected[SECRET_KEY] = manifest.secret_key
    return expected


def _compare(found: dict[str, FileSum], expected: dict[str, FileSum]) -> None:
    present = {name: file for name, file in found.items() if name not in (MANIFEST, _MANIFEST_SUM)}
    different = sorted(
        name for name in present.keys() | expected.keys() if present.get(name) != expected.get(name)
    )
    if different:
        raise ArchiveError(
            f"The archive is damaged: {len(different)} of its {len(expected)} parts are not what was "
            f"written, such as {different[0]}."
        )
