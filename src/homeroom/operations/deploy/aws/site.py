"""One site on AWS: planned, made, looked at and taken down."""

from dataclasses import dataclass
from typing import Any

from homeroom.operations.deploy.aws.changes import (
    PROTECTED,
    ChangeRefusedError,
    Plan,
    refuse_loss,
    refuse_replacement,
)
from homeroom.operations.deploy.aws.settings import SiteSettings, remember
from homeroom.operations.deploy.aws.terraform import OnStep
from homeroom.operations.deploy.aws.workspace import Workspace

_INSTANCE = "aws_instance.machine"
# What is taken over where it is there already.
_TAKEN_OVER = {"aws_eip": "aws_eip.machine", "aws_route53_record": "aws_route53_record.site[0]"}
# What stands in a plan of the machine for a volume and a bucket that are only planned themselves.
_PLANNED = {"volume_id": "vol-00000000000000000", "bucket": "homeroom-planned"}


@dataclass(frozen=True)
class Plans:
    """What would be changed: first what holds data, then the machine."""

    data: Plan
    machine: Plan

    @property
    def is_empty(self) -> bool:
        return not self.data.changes and not self.machine.changes


@dataclass(frozen=True)
class Found:
    """What AWS has of a site, whatever the states say."""

    volumes: dict[str, dict[str, Any]]
    snapshots: tuple[str, ...]
    instances: tuple[str, ...]
    addresses: dict[str, str]
    # Where the site's name leads to in its Route 53 zone.
    record: tuple[str, ...]


class AwsSite:
    """A site and its folder."""

    def __init__(self, workspace: Workspace, settings: SiteSettings) -> None:
        self.workspace = workspace
        self.settings = settings

    def prepare(self) -> None:
        """Bring the working copies up to date."""
        for module in ("data", "machine"):
            self.workspace.copy(module)
        self.configure(self.settings)
        self.workspace.data.init()
        self.workspace.machine.init()
        # A volume is whole as soon as it has an id; waiting for it may have been interrupted.
        self.workspace.data.keep_half_made(PROTECTED)

    def configure(self, settings: SiteSettings) -> None:
        self.settings = settings
        self.workspace.tell("data", settings.for_data())

    def remember(self) -> None:
        """Later commands need the domain alone."""
        remember(self.workspace.folder, self.settings)

    def look(self) -> Found:
        """Ask AWS what there is with the site's tags."""
        self.workspace.copy("inventory")
        asked = {name: getattr(self.settings, name) for name in ("domain", "region", "zone_id")}
        self.workspace.tell("inventory", asked)
        self.workspace.inventory.init()
        told = self.workspace.inventory.plan().outputs
        return Found(
            volumes=told["volumes"],
            snapshots=tuple(told["snapshots"]),
            instances=tuple(told["instances"]),
            addresses=told["addresses"],
            record=tuple(told["record"]),
        )

    def plan(self, *, new_machine: bool = False) -> Plans:
        """What would be changed so that all is as asked for.

        Raises:
            ChangeRefusedError: data would be lost, or something be made twice.
        """
        data = self.workspace.data.plan()
        refuse_loss(data)
        machine = self._plan_machine(data.outputs, new_machine=new_machine)
        # Before one is made: that none is there which the state has forgotten.
        if data.makes("aws_ebs_volume") or machine.makes("aws_instance", *_TAKEN_OVER):
            found = self.look()
            self._refuse_second(data, machine, found)
            if ids := self._forgotten(machine, found):
                self.workspace.take_over("machine", ids)
                machine = self._plan_machine(data.outputs, new_machine=new_machine)
        return Plans(data, machine)

    def _plan_machine(self, outputs: dict[str, Any], *, new_machine: bool) -> Plan:
        known = {name: value for name, value in outputs.items() if value is not None}
        self.workspace.tell("machine", self.settings.for_machine(_PLANNED | known))
        plan = self.workspace.machine.plan(*([f"-replace={_INSTANCE}"] if new_machine else []))
        if not new_machine:
            refuse_replacement(plan)
        return plan

    def _refuse_second(self, data: Plan, machine: Plan, found: Found) -> None:
        domain = self.settings.domain
        if data.makes("aws_ebs_volume") and found.volumes:
            volumes = ", ".join(found.volumes)
            raise ChangeRefusedError(
                f"{domain} has a volume already ({volumes}) that {self.workspace.folder} does not know; a "
                "second, empty one is not made. Find the folder of whoever made it, or take the volume over: "
                f"homeroom deploy aws up {domain} --adopt {next(iter(found.volumes))} …"
            )
        if machine.makes("aws_instance") and found.instances:
            machines = " ".join(found.instances)
            raise ChangeRefusedError(
                f"{domain} has a machine already ({machines}) that {self.workspace.folder} does not know. "
                "End it, which keeps the volume, and repeat: "
                f"aws ec2 terminate-instances --region {self.settings.region} --instance-ids {machines}"
            )

    def _forgotten(self, machine: Plan, found: Found) -> dict[str, str]:
        """The site's address and record, where they are there and the state does not know them."""
        ids: dict[str, str] = {}
        if machine.makes("aws_eip") and found.addresses:
            ids[_TAKEN_OVER["aws_eip"]] = min(found.addresses)
        if machine.makes("aws_route53_record") and found.record:
            if not set(found.record) <= set(found.addresses.values()):
                raise ChangeRefusedError(
                    f"{self.settings.domain} leads to {', '.join(found.record)} already, by a record in zone "
                    f"{self.settings.zone_id} that was not made here. Delete it, or leave --zone-id out."
                )
            ids[_TAKEN_OVER["aws_route53_record"]] = f"{self.settings.zone_id}_{self.settings.domain}_A"
        return ids

    def make(self, plans: Plans, on_step: OnStep, *, new_machine: bool = False) -> dict[str, Any]:
        """Carry the plans out; what the machine's module tells then."""
        # Before anything is made: if it fails, the same command without options goes on.
        self.remember()
        self.workspace.data.apply(on_step)
        outputs = self.workspace.data.outputs()
        # The volume is there now, and a later plan shall not choose another zone for it.
        self.configure(self.settings.model_copy(update={"availability_zone": outputs["availability_zone"]}))
        self.remember()
        if any(plans.data.outputs.get(name) != outputs[name] for name in _PLANNED):
            self._plan_machine(outputs, new_machine=new_machine)
        self.workspace.machine.apply(on_step)
        return self.workspace.machine.outputs()

    def plan_down(self) -> Plan:
        """The end of the machine and of what leads to it; nothing there holds data."""
        outputs = self.workspace.data.outputs()
        zone = {"availability_zone": self.settings.availability_zone}
        self.workspace.tell("machine", self.settings.for_machine(_PLANNED | zone | outputs))
        plan = self.workspace.machine.plan("-destroy")
        refuse_loss(plan)
        return plan

    def plan_deletion(self) -> Plan:
        """The end of the volume, its snapshots' policy and the bucket; shown, and not yet carried out."""
        self.workspace.unprotect()
        return self.workspace.data.plan("-destroy")

    def delete_data(self, on_step: OnStep) -> None:
        """Carry that out, whatever the bucket holds."""
        if self.settings.bucket:
            # Terraform empties a bucket only if its state allows it already.
            self.workspace.data.plan("-target=aws_s3_bucket.kept")
            self.workspace.data.apply(on_step)
        self.workspace.data.plan("-destroy")
        self.workspace.data.apply(on_step)
