"""Taking over a volume that is on AWS already: the state was lost, or a snapshot was made a volume again."""

from homeroom.operations.deploy.aws.changes import ChangeRefusedError
from homeroom.operations.deploy.aws.site import AwsSite, Found

_VOLUME, _POLICY, _BUCKET = "aws_ebs_volume.data", "aws_dlm_lifecycle_policy.daily", "aws_s3_bucket.kept[0]"


def displaced_volume(site: AwsSite, volume_id: str) -> str | None:
    """The volume whose place another one would take; None if the state knows none."""
    known = site.workspace.data.ids().get(_VOLUME)
    if known == volume_id:
        raise ChangeRefusedError(f"{volume_id} is the site's volume already; leave --adopt out.")
    return known


def adopt(site: AwsSite, volume_id: str) -> None:
    """Have the next plan take over the volume, and the policy and the bucket that notes on it name.

    Raises:
        ChangeRefusedError: the volume is not the site's, or a machine that is not known may be writing to it.
    """
    found = site.look()
    if volume_id not in found.volumes:
        raise ChangeRefusedError(
            f"{volume_id} is no volume of {site.settings.domain} in {site.settings.region}. A volume is "
            f"marked as the site's by the tag homeroom:snapshots={site.settings.domain}."
        )
    _refuse_unknown_machine(site, found, set(site.workspace.machine.ids().values()))
    notes = found.volumes[volume_id]
    settings = {"availability_zone": notes["availability_zone"], "data_gb": notes["size_gb"]}
    site.workspace.data.forget_if_known(_VOLUME)
    site.workspace.take_over("data", _missing(site.workspace.data.ids(), _of_data(volume_id, notes)))
    site.configure(site.settings.model_copy(update=settings))


def _refuse_unknown_machine(site: AwsSite, found: Found, known: set[str]) -> None:
    unknown = " ".join(instance for instance in found.instances if instance not in known)
    if unknown:
        raise ChangeRefusedError(
            f"{unknown} still runs and may be writing to the volume, but {site.workspace.folder} does not "
            "know it. End it, which keeps the volume and the address, and repeat: "
            f"aws ec2 terminate-instances --region {site.settings.region} --instance-ids {unknown}"
        )


def _of_data(volume_id: str, notes: dict[str, str]) -> dict[str, str]:
    ids = {_VOLUME: volume_id, _POLICY: notes["snapshot_policy"], _BUCKET: notes["bucket"]}
    return {address: found for address, found in ids.items() if found}


def _missing(known: dict[str, str], ids: dict[str, str]) -> dict[str, str]:
    return {address: found for address, found in ids.items() if address not in known}
