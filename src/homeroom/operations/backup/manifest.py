"""What an archive says of itself, and how archives are called."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from homeroom.operations.backup.rows import TableSum

FORMAT = 1
ENCRYPTED_SUFFIX = ".age"
_NAME = re.compile(r"homeroom-([0-9]{8}T[0-9]{6}Z)\.tar(\.age)?")
_STAMP = "%Y%m%dT%H%M%SZ"


class FileSum(BaseModel):
    """What a file adds up to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """The archive's list of what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    homeroom: str
    revision: str
    made_at: datetime
    database: Literal["sqlite", "postgresql"]
    tables: dict[str, TableSum]
    # The last id that each table gave out.
    last_ids: dict[str, int]
    files: dict[str, FileSum]
    # Files that a picture should have had, and that were lost already when the archive was made.
    missing: list[str]
    secret_key: FileSum | None

    @property
    def row_count(self) -> int:
        return sum(table.rows for table in self.tables.values())


def stamp(moment: datetime) -> str:
    """A moment as it stands in names of files."""
    return moment.astimezone(UTC).strftime(_STAMP)


def archive_name(moment: datetime, *, encrypted: bool, taken: Collection[str] = ()) -> str:
    """The name of an archive that was made at a moment; of two in one second the later one is called so."""
    suffix = ENCRYPTED_SUFFIX if encrypted else ""
    moments = {archive_moment(name) for name in taken}
    moment = moment.astimezone(UTC).replace(microsecond=0)
    while moment in moments:
        moment += timedelta(seconds=1)
    return f"homeroom-{stamp(moment)}.tar{suffix}"


def archive_moment(name: str) -> datetime | None:
    """When an archive of this name was made; None: it is the name of something else."""
    match = _NAME.fullmatch(PurePath(name).name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
