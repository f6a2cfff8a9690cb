"""What was asked for a site, remembered in its folder."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from homeroom.data.files import replace_file

FILE = "site.tfvars.json"
# What each module is told of it; the machine's hears from the data's outputs where these are.
DATA_SETTINGS = {
    "domain", "region", "availability_zone", "instance_type", "data_gb", "snapshots_kept", "bucket",
}  # fmt: skip
# What a machine hears at its first start, and never again.
_FIRST_START_SETTINGS = (
    "email", "repository", "revision", "origins", "ubuntu_release", "public_key", "time_zone", "acme_server",
)  # fmt: skip
_MACHINE_KNOWS_BY_OUTPUTS = {"availability_zone", "data_gb", "snapshots_kept", "bucket"}


class SettingsError(Exception):
    """What is remembered of a site cannot be used, or does not suffice; the text says what to do."""


class SiteSettings(BaseModel):
    """One site on AWS. The modules check the values; they have the same names there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    region: str
    email: str
    repository: str
    revision: str = "main"
    origins: tuple[str, ...] = ()
    instance_type: str = "t4g.small"
    architecture: str = "arm64"
    ubuntu_release: str = "26.04"
    availability_zone: str = ""
    subnet_id: str = ""
    data_gb: int = 20
    root_gb: int = 16
    snapshots_kept: int = 14
    bucket: bool = True
    pictures_in_bucket: bool = False
    public_key: str = ""
    ssh_from: tuple[str, ...] = ()
    zone_id: str = ""
    time_zone: str = "UTC"
    acme_server: str = ""

    def for_data(self) -> dict[str, Any]:
        return self.model_dump(mode="json", include=DATA_SETTINGS)

    def for_machine(self, outputs: dict[str, Any]) -> dict[str, Any]:
        """With what the data's module told: where the volume and the bucket are."""
        told = {name: outputs[name] for name in ("volume_id", "availability_zone", "bucket")}
        return self.model_dump(mode="json", exclude=_MACHINE_KNOWS_BY_OUTPUTS) | told


def remembered(folder: Path) -> dict[str, Any]:
    """What the folder knows of a site; nothing if there is none.

    Raises:
        SettingsError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SettingsError(f"{path} is damaged: name all options again, and delete it before.")
    return values


def unheard(folder: Path, settings: SiteSettings) -> tuple[str, ...]:
    """Settings that differ from the remembered ones, and that a machine which runs already will not hear."""
    known = remembered(folder)
    now = settings.model_dump(mode="json")
    return tuple(name for name in _FIRST_START_SETTINGS if known and known.get(name) != now[name])


def moves_pictures(folder: Path, settings: SiteSettings) -> bool:
    """Whether a site that keeps its pictures on the volume is to have them in the bucket."""
    known = remembered(folder)
    return bool(known) and settings.pictures_in_bucket and not known.get("pictures_in_bucket")


def require_remembered(folder: Path, domain: str) -> None:
    """For commands that need a site.

    Raises:
        SettingsError: the folder knows none.
    """
    if not remembered(folder):
        raise SettingsError(f"Nothing is known of {domain}: {folder / FILE} is not there.")


def merged(folder: Path, domain: str, given: dict[str, Any]) -> SiteSettings:
    """What is remembered, with what is given now in its place.

    Raises:
        SettingsError: something is missing, the region would change, or pictures be out of reach.
    """
    known = remembered(folder)
    if known and given.get("region", known["region"]) != known["region"]:
        raise SettingsError(
            f"{domain} is in {known['region']}, and its volume cannot leave it. For another region take "
            "another --folder, and move the data by a backup."
        )
    try:
        settings = SiteSettings(**(known | given | {"domain": domain}))
    except ValidationError as error:
        names = sorted({f"--{fault['loc'][0]}".replace("_", "-") for fault in error.errors()})
        raise SettingsError(
            f"The first time name {', '.join(names)} too; later they are remembered."
        ) from None
    if settings.pictures_in_bucket and not settings.bucket:
        raise SettingsError("Pictures can be in the bucket only where there is one; leave --no-bucket out.")
    if known.get("pictures_in_bucket") and settings.bucket and not settings.pictures_in_bucket:
        raise SettingsError(
            f"The pictures of {domain} are in the bucket, and the machine keeps its right to read them there."
            " Where new ones go is UPLOADS_URL in the machine's settings."
        )
    return settings


def remember(folder: Path, settings: SiteSettings) -> None:
    """Keep the settings for the next command."""
    replace_file(folder / FILE, f"{settings.model_dump_json(indent=2)}\n".encode(), mode=0o644)
