"""Two sites on AWS that go through what goes wrong, side by side while the tests are about other things."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.aws_operator import FIRST, Operator
from tests.deploy.cloud import Cloud

BOGUS_IMAGE = "ami-0123456789abcdef0"


@dataclass
class Rise:
    """How a site rose in spite of all: what each attempt told."""

    interrupted: tuple[int, str]
    without_image: str
    killed: tuple[int, str]
    # The state did not hear of the machine that was made meanwhile.
    forgotten: str
    without_it: str


def rise(aws: Cloud, operator: Operator, *options: str) -> Rise:
    """Interrupted while the volume is made, then without an image, then killed, then up.

    Terraform asks for ten seconds whether what it has made is ready, and knows nothing of it before: whoever
    kills it then leaves something behind that no state has.
    """
    good = aws.ubuntu("arm64")
    aws.point_ubuntu("arm64", BOGUS_IMAGE)
    first = operator.start("up", *options, "--yes")
    _wait_until_there(lambda: _volumes(aws, operator.domain))
    # It knows the volume's id now.
    time.sleep(2)
    first.interrupt()
    interrupted = first.end()
    without_image = operator.is_refused("up", "--yes")
    aws.point_ubuntu("arm64", good)
    second = operator.start("up", "--yes")
    _wait_until_there(lambda: _machines(aws, operator.domain))
    second.kill_terraform()
    killed = second.end()
    forgotten = machine_of(aws, operator.domain)
    without_it = operator.is_refused("up", "--yes")
    aws.client("ec2").terminate_instances(InstanceIds=[forgotten])
    operator.does("up", "--yes")
    return Rise(interrupted, without_image, killed, forgotten, without_it)


@dataclass
class Recovery:
    """What was told on the way from a snapshot to a site again, and from a lost folder."""

    displaced: str
    restored: str
    operator: Operator
    after_restoring: dict[str, Any]
    unknown_volume: str
    unknown_machine: str
    found_again: str
    address: str


def recover(aws: Cloud, work: Path, domain: str) -> Recovery:
    """A volume made of a snapshot takes the place of the first one; then the folder is lost."""
    operator = Operator(aws, work, domain)
    kind = ("--no-bucket", "--instance-type", "t3.small", "--architecture", "amd64")
    operator.does("up", *FIRST, *kind, "--yes")
    displaced = str(operator.outputs("data")["volume_id"])
    restored = _volume_of_snapshot(aws, displaced, domain)
    operator.does("up", "--adopt", restored, "--new-machine", "--yes")
    after_restoring = _volume(aws, restored)
    address = operator.outputs("machine")["address"]
    shutil.rmtree(operator.folder)
    unknown_volume = operator.is_refused("up", *FIRST, *kind, "--yes")
    adopting = ("up", *FIRST, *kind, "--adopt", restored, "--yes")
    unknown_machine = operator.is_refused(*adopting)
    aws.client("ec2").terminate_instances(InstanceIds=[machine_of(aws, domain)])
    found_again = operator.does(*adopting)
    return Recovery(
        displaced, restored, operator, after_restoring, unknown_volume, unknown_machine, found_again, address
    )


def machine_of(aws: Cloud, domain: str) -> str:
    """The one machine of a site that is not gone."""
    ((instance,),) = _machines(aws, domain)
    return instance


def _machines(aws: Cloud, domain: str) -> list[list[str]]:
    running = [
        {"Name": "tag:homeroom:site", "Values": [domain]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    found = aws.client("ec2").describe_instances(Filters=running)["Reservations"]
    return [[str(instance["InstanceId"]) for instance in reservation["Instances"]] for reservation in found]


def _volumes(aws: Cloud, domain: str) -> list[Any]:
    of_site = [{"Name": "tag:homeroom:site", "Values": [domain]}]
    return list(aws.client("ec2").describe_volumes(Filters=of_site)["Volumes"])


def _wait_until_there(find: Callable[[], list[Any]]) -> None:
    deadline = time.monotonic() + 120
    while not find():
        assert time.monotonic() < deadline, "it is not made"
        time.sleep(0.2)


def _volume(aws: Cloud, volume_id: str) -> dict[str, Any]:
    return dict(aws.client("ec2").describe_volumes(VolumeIds=[volume_id])["Volumes"][0])


def _volume_of_snapshot(aws: Cloud, volume_id: str, domain: str) -> str:
    """As docs/how-to/run-on-aws.md has it."""
    ec2 = aws.client("ec2")
    snapshot = ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    marked = [{"Key": "homeroom:snapshots", "Value": domain}]
    made = ec2.create_volume(
        SnapshotId=snapshot, AvailabilityZone="eu-central-1a", VolumeType="gp3", Encrypted=True,
        TagSpecifications=[{"ResourceType": "volume", "Tags": marked}],
    )  # fmt: skip
    return str(made["VolumeId"])
