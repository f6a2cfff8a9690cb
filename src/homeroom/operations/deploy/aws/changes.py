"""What a plan of Terraform would change, in a class's words; and what is refused whatever was asked."""

from dataclasses import dataclass
from typing import Any, Self

# What holds data.
PROTECTED = {"aws_ebs_volume": "volume", "aws_s3_bucket": "bucket"}
_THINGS = {
    "aws_ebs_volume": "volume for all data",
    "aws_s3_bucket": "bucket",
    "aws_dlm_lifecycle_policy": "daily snapshots",
    "aws_instance": "machine",
    "aws_eip": "public address",
    "aws_route53_record": "DNS record",
    "aws_security_group": "firewall",
    "aws_vpc_security_group_ingress_rule": "firewall: who may come in",
    "aws_vpc_security_group_egress_rule": "firewall: where it may go",
    "aws_key_pair": "SSH key",
    "aws_volume_attachment": "volume into the machine",
    "aws_eip_association": "address to the machine",
    "aws_iam_role": "role",
    "aws_iam_role_policy": "what the role may do",
    "aws_iam_role_policy_attachment": "shell without SSH (Systems Manager)",
    "aws_iam_instance_profile": "role to the machine",
    "aws_ec2_tag": "note on the volume",
    "aws_s3_bucket_versioning": "bucket: keeps what is overwritten",
    "aws_s3_bucket_lifecycle_configuration": "bucket: for how long",
    "aws_s3_bucket_policy": "bucket: over TLS only",
    "aws_s3_bucket_public_access_block": "bucket: never public",
    "aws_s3_bucket_ownership_controls": "bucket: one owner",
    "aws_s3_bucket_server_side_encryption_configuration": "bucket: encrypted",
    "terraform_data": "note of the architecture",
}


class ChangeRefusedError(Exception):
    """A plan would do what was not asked for; the text says what, and how to ask."""


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    address: str
    kind: str
    actions: tuple[str, ...]
    imported: bool
    # An earlier command was interrupted, or failed, while it was made.
    half_made: bool
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def verb(self) -> str:
        """One word for it; empty if nothing happens."""
        if self.actions in (("delete", "create"), ("create", "delete")):
            return "replace"
        if self.imported:
            return "take over"
        return {"create": "make", "update": "change", "delete": "delete"}.get(self.actions[0], "")

    @property
    def thing(self) -> str:
        return _THINGS.get(self.kind, self.kind)

    @property
    def detail(self) -> str:
        """What tells it from others of its kind."""
        values = self.after or self.before
        match self.kind:
            case "aws_ebs_volume":
                return f"{values.get('size')} GB in {values.get('availability_zone')}, encrypted"
            case "aws_instance":
                return str(values.get("instance_type"))
            case "aws_s3_bucket":
                return str(values.get("bucket"))
            case "aws_route53_record":
                return f"{values.get('type')} {values.get('name')}"
            case "aws_vpc_security_group_ingress_rule" | "aws_vpc_security_group_egress_rule":
                return str(values.get("description"))
        return ""

    @property
    def deletes(self) -> bool:
        return "delete" in self.actions


@dataclass(frozen=True)
class Plan:
    """Terraform's plan, as far as we look at it."""

    changes: tuple[Change, ...]
    outputs: dict[str, Any]
    # Values of what is there now, by address.
    present: dict[str, dict[str, Any]]

    @classmethod
    def parse(cls, shown: dict[str, Any]) -> Self:
        """From what `terraform show -json` tells of it."""
        changes = tuple(
            Change(
                address=found["address"],
                kind=found["type"],
                actions=tuple(found["change"]["actions"]),
                imported="importing" in found["change"],
                half_made=found.get("action_reason") == "replace_because_tainted",
                before=found["change"]["before"] or {},
                after=found["change"]["after"] or {},
            )
            for found in shown.get("resource_changes", [])
            if found["mode"] == "managed"
        )
        outputs = shown.get("planned_values", {}).get("outputs", {})
        prior = shown.get("prior_state", {}).get("values", {}).get("root_module", {}).get("resources", [])
        return cls(
            tuple(change for change in changes if change.verb),
            {name: output.get("value") for name, output in outputs.items()},
            {found["address"]: found["values"] for found in prior if found["mode"] == "managed"},
        )

    def makes(self, *kinds: str) -> bool:
        """Whether one of a kind is made where none was."""
        return any(change.kind in kinds and change.verb == "make" for change in self.changes)

    def installs(self) -> bool:
        """Whether a machine starts for the first time."""
        return any(
            change.kind == "aws_instance" and change.verb in ("make", "replace") for change in self.changes
        )


def loss_refused(address: str) -> str:
    """Why what holds data is not deleted or replaced by the way, in the words of whoever asked for it."""
    return (
        f"This would delete the {PROTECTED.get(address.partition('.')[0], 'resource')} with the class's data "
        f"({address}), so nothing was done. A volume stays in its zone, and a bucket stays; "
        "`homeroom deploy aws down DOMAIN --delete-data DOMAIN` is what deletes them."
    )


def refuse_loss(plan: Plan) -> None:
    """Nothing that holds data is deleted, replaced or made smaller by the way.

    Raises:
        ChangeRefusedError: the plan would do so.
    """
    for change in plan.changes:
        if change.kind in PROTECTED and change.deletes:
            raise ChangeRefusedError(loss_refused(change.address))
        if change.kind == "aws_ebs_volume" and change.after["size"] < change.before.get("size", 0):
            raise ChangeRefusedError(
                f"A volume of {change.before['size']} GB can grow, but not shrink to {change.after['size']}."
            )


def refuse_replacement(plan: Plan) -> None:
    """A machine that serves is not replaced by the way either: the site would be away for minutes.

    Raises:
        ChangeRefusedError: the plan would do so.
    """
    for change in plan.changes:
        # A half-made one never served.
        if change.kind == "aws_instance" and change.deletes and not change.half_made:
            raise ChangeRefusedError(
                f"This needs a new machine in place of {_id(change)}; nothing was done. With --new-machine "
                "it is made, of Ubuntu's current image: the volume moves over, the site is away for minutes."
            )


def _id(change: Change) -> str:
    return str(change.before.get("id", change.address))
