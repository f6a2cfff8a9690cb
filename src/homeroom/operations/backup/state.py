"""What became of the last backup and the last drill: a small file in the instance folder."""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from homeroom.config import Config
from homeroom.data.files import replace_file
from homeroom.data.types import utc_now
from homeroom.operations.backup.errors import BackupError

STATE_FILE = "backup-state.json"


class Outcome(BaseModel):
    """How a backup or a drill ended."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    ok: bool
    archive: str | None
    seconds: float
    # What differs, is missing, or went wrong, in words.
    problems: list[str]

    @property
    def age(self) -> timedelta:
        """How long ago it was."""
        return utc_now() - self.at


class BackupState(BaseModel):
    """The last backup and the last one that succeeded, and the last drill; None: there was none."""

    model_config = ConfigDict(frozen=True)

    backup: Outcome | None = None
    good_backup: Outcome | None = None
    drill: Outcome | None = None


def backup_state(config: Config) -> BackupState:
    """What is known of this instance's backups; nothing, where the file cannot be read."""
    try:
        return BackupState.model_validate_json(_state_file(config).read_bytes())
    except (OSError, ValidationError):
        return BackupState()


def note_backup(config: Config, outcome: Outcome) -> None:
    """Remember how a backup ended."""
    update = {"backup": outcome} | ({"good_backup": outcome} if outcome.ok else {})
    _write(config, backup_state(config).model_copy(update=update))


def note_drill(config: Config, outcome: Outcome) -> None:
    """Remember how a drill ended."""
    _write(config, backup_state(config).model_copy(update={"drill": outcome}))


def _state_file(config: Config) -> Path:
    return config.instance_path / STATE_FILE


def _write(config: Config, state: BackupState) -> None:
    path = _state_file(config)
    try:
        replace_file(path, f"{state.model_dump_json(indent=1)}\n".encode())
    except OSError as error:
        raise BackupError(f"The result cannot be written to {path}: {error.strerror}.") from None
