"""The drill: the newest archive restored elsewhere, and every row and file compared with the manifest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyrage.x25519 import Identity

from homeroom.config import Config
from homeroom.operations.backup.archive import Archive
from homeroom.operations.backup.places import Place
from homeroom.operations.backup.progress import Progress
from homeroom.operations.backup.restoring import Restored, fetched, restore, sum_stored
from homeroom.operations.backup.staging import sums_of
from homeroom.operations.backup.workshop import opened
from homeroom.uploads.storage import current_storage


@dataclass(frozen=True)
class Drill:
    """What a drill restored, and what was not as it should be."""

    rows: int
    files: int
    problems: list[str]


def drill(
    config: Config, place: Place, name: str, identities: Sequence[Identity], work: Path, progress: Progress
) -> Drill:
    """Restore an archive into an instance of its own, which nobody else sees, and compare.

    Raises:
        BackupError: it cannot be restored at all.
    """
    elsewhere = config.model_copy(
        update={
            "instance_path": work / "drill",
            "database_url": "",
            "uploads_url": "",
            "secret_key": None,
        }
    )
    with fetched(place, name, identities, work, progress) as archive:
        restored = restore(archive, elsewhere, work, progress)
        problems = list(_differences(archive, restored, elsewhere, progress))
    return Drill(restored.rows, len(restored.files), problems)


def _differences(
    archive: Archive, restored: Restored, elsewhere: Config, progress: Progress
) -> Iterator[str]:
    manifest = archive.manifest
    progress.stage("Comparing", len(restored.files))
    with opened(elsewhere) as engine:
        present = sums_of(engine)
        for table, rehearsed in restored.tables.items():
            if present.get(table) != rehearsed:
                yield f"The rows of {table} differ."
        storage = current_storage()
        for name in restored.files:
            if sum_stored(storage, name) != manifest.files[name].sha256:
                yield f"{name} differs."
            progress.advance()
    for name in manifest.missing:
        yield f"{name} was already missing when the archive was made."
