"""What a site on AWS costs in a month, about."""

from collections.abc import Iterator
from dataclasses import dataclass

from homeroom.operations.deploy.aws.settings import SiteSettings

# On-demand list prices of us-east-1 in US dollars, without taxes, as known in June 2026. What counts stands
# on https://aws.amazon.com/ec2/pricing/on-demand/, and on the pages beside it of EBS, VPC and S3.
PRICES_OF = "us-east-1, June 2026"
HOURS = 730
_MACHINE_AN_HOUR = {
    "t4g.micro": 0.0084, "t4g.small": 0.0168, "t4g.medium": 0.0336, "t4g.large": 0.0672, "t4g.xlarge": 0.1344,
    "t3.micro": 0.0104, "t3.small": 0.0208, "t3.medium": 0.0416, "t3.large": 0.0832, "t3.xlarge": 0.1664,
    "t3a.micro": 0.0094, "t3a.small": 0.0188, "t3a.medium": 0.0376, "t3a.large": 0.0752,
    "m7g.medium": 0.0408, "m7g.large": 0.0816, "m7g.xlarge": 0.1632,
    "c7g.medium": 0.0363, "c7g.large": 0.0725, "c7g.xlarge": 0.145,
    "m7i.large": 0.1008, "c7i.large": 0.0893,
}  # fmt: skip
_ADDRESS_AN_HOUR = 0.005
_DISK_GB = 0.08
_SNAPSHOT_GB = 0.05
_BUCKET_GB = 0.023
# Snapshots hold what changed: all of the volume once, and a part of it anew each day.
_CHANGED_A_DAY = 0.01


@dataclass(frozen=True)
class Cost:
    """One line of the estimate; None where the price is not known here."""

    what: str
    dollars: float | None
    # Whether it is paid on when the machine is gone.
    stays: bool = False


def estimate(settings: SiteSettings) -> Iterator[Cost]:
    """The lines of a month."""
    hourly = _MACHINE_AN_HOUR.get(settings.instance_type)
    yield Cost(f"machine {settings.instance_type}", None if hourly is None else hourly * HOURS)
    yield Cost("public IPv4 address", _ADDRESS_AN_HOUR * HOURS)
    yield Cost(f"machine's own disk, {settings.root_gb} GB", settings.root_gb * _DISK_GB)
    yield Cost(f"volume, {settings.data_gb} GB", settings.data_gb * _DISK_GB, stays=True)
    kept_gb = settings.data_gb * (1 + _CHANGED_A_DAY * settings.snapshots_kept)
    yield Cost(
        f"{settings.snapshots_kept} daily snapshots of a full volume, at most about",
        kept_gb * _SNAPSHOT_GB,
        stays=True,
    )
    if settings.bucket:
        yield Cost("bucket, for each 10 GB", 10 * _BUCKET_GB, stays=True)
