"""How a site on AWS is: what it consists of, whether that is as it was made, and whether it answers."""

from collections.abc import Iterator
from dataclasses import dataclass

from homeroom.operations.deploy.aws.changes import Plan
from homeroom.operations.deploy.aws.site import AwsSite
from homeroom.operations.deploy.health import unreadiness


@dataclass(frozen=True)
class Condition:
    """One thing that was looked at."""

    ok: bool
    told: str


def examine(site: AwsSite) -> Iterator[Condition]:
    """What is right and what is not, one by one."""
    plans = site.plan()
    yield from _data(site)
    yield _machine(plans.machine)
    differences = [*plans.data.changes, *plans.machine.changes]
    for change in differences:
        yield Condition(False, f"`up` would {change.verb}: {' '.join((change.thing, change.detail)).strip()}")
    if not differences:
        yield Condition(True, "Everything on AWS is as requested.")
    address = f"https://{site.settings.domain}"
    reason = unreadiness(address)
    yield Condition(reason is None, reason or f"{address} answers and is ready.")


def _data(site: AwsSite) -> Iterator[Condition]:
    outputs = site.workspace.data.outputs()
    if not outputs:
        yield Condition(False, "No volume.")
        return
    settings = site.settings
    yield Condition(
        True, f"Volume {outputs['volume_id']}, {settings.data_gb} GB in {outputs['availability_zone']}."
    )
    yield Condition(
        True, f"Daily snapshots by {outputs['snapshot_policy_id']}, {settings.snapshots_kept} kept."
    )
    if outputs["bucket"]:
        yield Condition(True, f"Bucket {outputs['bucket']}.")


def _machine(plan: Plan) -> Condition:
    instance = plan.present.get("aws_instance.machine")
    if instance is None:
        return Condition(False, "No machine. To create one, run `up`.")
    state = instance["instance_state"]
    address = plan.present.get("aws_eip.machine", {}).get("public_ip", "no address")
    return Condition(
        state == "running", f"Machine {instance['id']}, {instance['instance_type']} at {address}, is {state}."
    )
