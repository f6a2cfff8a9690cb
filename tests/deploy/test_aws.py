"""A site on AWS, from nothing to the end of its data: by the command line, looked at by AWS's own calls."""

import json
import re
import shutil
import socket
import subprocess
import threading
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from homeroom.cli import main
from homeroom.operations.deploy.aws.changes import ChangeRefusedError, Plan, refuse_loss
from tests.deploy.aws_journeys import Recovery, Rise, machine_of, rise
from tests.deploy.aws_operator import FIRST, Operator
from tests.deploy.cloud import REGION, ROOT, Cloud

pytestmark = [pytest.mark.deploy, pytest.mark.aws]

DOMAIN = "class.example.org"
SCHOOL = "203.0.113.7/32"
NOTHING_TO_DO = f"{DOMAIN} is up to date. Nothing to do."


class Site:
    """The site that these tests share, in the order in which they stand here."""

    def __init__(self, aws: Cloud, operator: Operator, zone: str, rising: Future[Rise]) -> None:
        self.aws = aws
        self.operator = operator
        self.zone = zone
        self.rising = rising

    @property
    def volume_id(self) -> str:
        return str(self.operator.outputs("data")["volume_id"])

    @property
    def bucket(self) -> str:
        return str(self.operator.outputs("data")["bucket"])

    @property
    def address(self) -> str:
        return str(self.operator.outputs("machine")["address"])

    def instance(self) -> dict[str, Any]:
        instance_id = self.operator.outputs("machine")["instance_id"]
        found = self.aws.client("ec2").describe_instances(InstanceIds=[instance_id])
        return found["Reservations"][0]["Instances"][0]

    def volume(self) -> dict[str, Any]:
        return self.aws.client("ec2").describe_volumes(VolumeIds=[self.volume_id])["Volumes"][0]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operator")


@pytest.fixture(scope="module", autouse=True)
def rising_site(aws: Cloud, work: Path, recovery: Future[Recovery]) -> Iterator[Site]:
    """The site begins to be made while the first tests are about what is refused elsewhere."""
    operator = Operator(aws, work, DOMAIN)
    key = work / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    created = aws.client("route53").create_hosted_zone(Name="example.org", CallerReference="tests")
    zone = created["HostedZone"]["Id"].rpartition("/")[2]
    reached = ("--public-key", f"{key}.pub", "--ssh-from", SCHOOL, "--zone-id", zone)
    told = ("--origin", "https://someone.github.io", "--time-zone", "Europe/Berlin", "--pictures-in-bucket")
    with ThreadPoolExecutor(1) as pool:
        yield Site(aws, operator, zone, pool.submit(rise, aws, operator, *FIRST, *reached, *told))


@pytest.fixture
def site(rising_site: Site) -> Site:
    rising_site.rising.result()
    return rising_site


@pytest.fixture
def stranger(aws: Cloud, work: Path) -> Operator:
    """Somebody who has no site yet."""
    return Operator(aws, work, "other.example.org")


@pytest.fixture
def ready_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The site's name leads to something that says it is ready, with a certificate that is trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    certificate = authority.issue_cert(DOMAIN)
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    files = (str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem"))
    server = make_server("127.0.0.1", 0, Response('{"status": "ok"}'), ssl_context=files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    ask = socket.getaddrinfo
    found = ask("127.0.0.1", server.server_port, type=socket.SOCK_STREAM)

    def find(host: str, *asked: Any, **how: Any) -> list[Any]:
        return found if host == DOMAIN else ask(host, *asked, **how)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    yield {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def without_its_policy(site: Site) -> Iterator[Any]:
    """The bucket as it would be if plain http were good enough, which is what the tests' AWS speaks."""
    s3, bucket = site.aws.client("s3"), {"Bucket": site.bucket}
    with pytest.raises(ClientError, match="Forbidden"):
        s3.put_object(**bucket, Key="backups/in-clear", Body=b"archive")
    policy = s3.get_bucket_policy(**bucket)["Policy"]
    s3.delete_bucket_policy(**bucket)
    yield s3
    s3.put_bucket_policy(**bucket, Policy=policy)


def tags(found: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


# What is refused, while the site rises.


def test_the_modules_are_written_as_terraform_writes_them(stranger: Operator) -> None:
    done = stranger.terraform(ROOT / "deploy/aws", "fmt", "-check", "-recursive", "-diff", check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["data", "machine", "inventory"])
def test_each_module_is_valid(module: str, stranger: Operator, tmp_path: Path) -> None:
    copy = tmp_path / module
    shutil.copytree(ROOT / "deploy/aws" / module, copy)
    if module == "data":
        shutil.copy(ROOT / "deploy/aws/delete-data_override.tf", copy)
    stranger.terraform(copy, "init", "-input=false")
    assert json.loads(stranger.terraform(copy, "validate", "-json").stdout)["diagnostics"] == []


@pytest.mark.parametrize("domain", ["localhost", "https://class.example.org", "-.example.org", "192.0.2.1"])
def test_what_is_no_domain_is_refused(domain: str, aws: Cloud, work: Path) -> None:
    operator = Operator(aws, work, domain, folder="of-no-domain")
    done = operator.run("plan", *FIRST)
    assert done.returncode == 2
    assert "class.example.org" in done.stderr
    assert not operator.folder.exists()


def test_the_first_time_what_is_not_known_must_be_named(stranger: Operator) -> None:
    assert "name --email, --region, --repository too" in stranger.is_refused("plan")
    assert "Nothing is known of other.example.org" in stranger.is_refused("status")
    assert "Nothing is known of other.example.org" in stranger.is_refused("down")


def test_a_program_that_is_not_there_is_refused_with_where_to_get_one(stranger: Operator) -> None:
    assert "/nowhere/tofu is no program" in stranger.is_refused(
        "plan", *FIRST, "--terraform", "/nowhere/tofu"
    )
    stranger.environment["PATH"] = "/nowhere"
    told = stranger.is_refused("plan", *FIRST)
    assert "Neither terraform nor tofu is installed" in told
    assert "https://opentofu.org/" in told


def test_all_values_of_the_data_are_checked(stranger: Operator) -> None:
    wrong = ("--region", "Frankfurt", "--instance-type", "small", "--data-gb", "0", "--snapshots-kept", "0")
    told = stranger.is_refused("plan", *FIRST, *wrong, "--availability-zone", "a")
    for reason in (
        "The region is one of AWS's, like eu-central-1.",
        "The instance type is one of AWS's, like t4g.small.",
        "The volume's size is a whole number of GB",
        "Between 1 and 1000 daily snapshots",
        "The zone is one of the region's",
    ):
        assert reason in told


def test_all_values_of_the_machine_are_checked(stranger: Operator, work: Path) -> None:
    private_key = work / "id_ed25519"
    told = stranger.is_refused(
        *("plan", *FIRST, "--email", "teacher", "--repository", "git@github.com:class/homeroom.git"),
        *("--ssh-from", "0.0.0.0/0", "--ssh-from", "somewhere", "--zone-id", "example.org", "--root-gb", "1"),
        *("--public-key", str(private_key), "--revision=--upload-pack", "--acme-server", "http://ca.example"),
        *("--ubuntu-release", "25.10", "--subnet-id", "public", "--time-zone", "$(reboot)"),
    )
    for reason in (
        "The e-mail address is one like teacher@example.org",
        "The repository is an https address",
        "SSH is not opened for the world",
        "SSH is opened for an address with its prefix",
        "The id of a Route 53 zone is like",
        "The machine's own disk is a whole number of GB",
        "Never give a private key away.",
        "The revision is a branch, a tag or a commit.",
        "The certificates' authority is named by the https address",
        "Ubuntu's releases with long support are like 26.04.",
        "A subnet's id is like",
        "The time zone is one like Europe/Berlin.",
    ):
        assert reason in told
    assert private_key.read_text().splitlines()[1] not in told


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--instance-type", "t9z.small"), "No zone in eu-central-1 offers t9z.small"),
        (("--availability-zone", "eu-central-1z"), "No zone eu-central-1z in eu-central-1 offers t4g.small"),
        (("--instance-type", "t3.small"), "t3.small is x86_64, not arm64: choose the other architecture"),
        (("--subnet-id", "subnet-0123456789abcdef0"), "subnet"),
        (("--pictures-in-bucket", "--no-bucket"), "Pictures can be in the bucket only where there is one"),
    ],
)
def test_what_aws_does_not_have_is_refused(options: tuple[str, ...], reason: str, stranger: Operator) -> None:
    assert reason in stranger.is_refused("plan", *FIRST, *options)


def test_a_record_that_leads_elsewhere_is_not_overwritten(
    rising_site: Site, stranger: Operator, aws: Cloud
) -> None:
    record = {
        "Name": stranger.domain, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "203.0.113.9"}],
    }  # fmt: skip
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId=rising_site.zone, ChangeBatch=change)
    told = stranger.is_refused("plan", *FIRST, "--zone-id", rising_site.zone)
    assert "other.example.org leads to 203.0.113.9 already" in told


def test_a_plan_and_a_no_make_nothing_and_are_not_remembered(stranger: Operator, aws: Cloud) -> None:
    told = stranger.does("plan", *FIRST)
    assert "volume for all data" in told
    assert "$12.26  machine t4g.small" in told
    told = stranger.is_refused("up", *FIRST, typed="n\n")
    assert "Aborted!" in told
    assert not (stranger.folder / "site.tfvars.json").exists()
    assert stranger.folder.stat().st_mode & 0o777 == 0o700
    ours = [{"Name": "tag:homeroom:site", "Values": [stranger.domain]}]
    assert aws.client("ec2").describe_volumes(Filters=ours)["Volumes"] == []


# What is made in spite of failures, each looked at by its own call.


def test_what_was_interrupted_or_failed_or_was_killed_goes_on_from_there(site: Site) -> None:
    rise = site.rising.result()
    status, told = rise.interrupted
    assert status == 1
    assert "Interrupted. What was made is known; the same command goes on from there." in told
    assert "couldn't find resource (aws_instance.machine)" in rise.without_image
    status, told = rise.killed
    assert status == 1
    assert f"{DOMAIN} has a machine already ({rise.forgotten})" in rise.without_it
    # None of the attempts has left a second one behind.
    ec2, ours = site.aws.client("ec2"), [{"Name": "tag:homeroom:site", "Values": [DOMAIN]}]
    marked = [*ours, {"Name": "tag:homeroom:snapshots", "Values": [DOMAIN]}]
    volumes = ec2.describe_volumes(Filters=marked)["Volumes"]
    assert [volume["VolumeId"] for volume in volumes] == [site.volume_id]
    addresses = ec2.describe_addresses(Filters=ours)["Addresses"]
    assert [address["PublicIp"] for address in addresses] == [site.address]
    assert machine_of(site.aws, DOMAIN) == site.instance()["InstanceId"]


def test_the_volume_is_encrypted_and_marked(site: Site) -> None:
    volume = site.volume()
    assert volume["Encrypted"]
    assert (volume["VolumeType"], volume["Size"]) == ("gp3", 20)
    assert tags(volume) == {
        "Name": f"homeroom {DOMAIN}",
        "homeroom:site": DOMAIN,
        "homeroom:snapshots": DOMAIN,
        "homeroom:snapshot-policy": site.operator.outputs("data")["snapshot_policy_id"],
        "homeroom:bucket": site.bucket,
    }


def test_a_snapshot_is_made_each_night(site: Site) -> None:
    manager = site.aws.client("dlm")
    (listed,) = [
        found
        for found in manager.get_lifecycle_policies()["Policies"]
        if found["Tags"]["homeroom:site"] == DOMAIN
    ]
    policy = manager.get_lifecycle_policy(PolicyId=listed["PolicyId"])["Policy"]
    assert policy["State"] == "ENABLED"
    assert policy["PolicyDetails"]["TargetTags"] == [{"Key": "homeroom:snapshots", "Value": DOMAIN}]
    (schedule,) = policy["PolicyDetails"]["Schedules"]
    assert schedule["CreateRule"] == {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["02:00"]}
    assert schedule["RetainRule"]["Count"] == 14
    assert schedule["CopyTags"]
    role = site.aws.client("iam").get_role(RoleName=policy["ExecutionRoleArn"].rpartition("/")[2])["Role"]
    trusted = role["AssumeRolePolicyDocument"]["Statement"]
    assert [one["Principal"] for one in trusted] == [{"Service": "dlm.amazonaws.com"}]


def test_the_bucket_is_private_encrypted_and_keeps_versions(site: Site) -> None:
    s3, bucket = site.aws.client("s3"), {"Bucket": site.bucket}
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    (owner,) = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"
    (encryption,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (rule,) = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert "Expiration" not in rule
    (statement,) = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_machine_is_what_was_asked_for_and_guards_its_role(site: Site) -> None:
    instance = site.instance()
    parameter = "/aws/service/canonical/ubuntu/server/26.04/stable/current/arm64/hvm/ebs-gp3/ami-id"
    current = site.aws.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    assert instance["ImageId"] == current
    assert (instance["InstanceType"], instance["State"]["Name"]) == ("t4g.small", "running")
    assert instance["Placement"]["AvailabilityZone"] == site.volume()["AvailabilityZone"]
    metadata = instance["MetadataOptions"]
    assert (metadata["HttpTokens"], metadata["HttpPutResponseHopLimit"]) == ("required", 1)
    ec2 = site.aws.client("ec2")
    (key,) = ec2.describe_key_pairs(KeyNames=[instance["KeyName"]])["KeyPairs"]
    assert tags(key)["homeroom:site"] == DOMAIN
    disks = {disk["DeviceName"]: disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]}
    assert disks.pop("/dev/sdf") == site.volume_id
    (own_disk,) = ec2.describe_volumes(VolumeIds=list(disks.values()))["Volumes"]
    assert own_disk["Encrypted"]
    # The snapshots' policy would take it too.
    assert "homeroom:snapshots" not in tags(own_disk)


def test_the_volume_stays_when_a_machine_ends(site: Site) -> None:
    (attachment,) = site.volume()["Attachments"]
    instance = site.instance()
    assert (attachment["InstanceId"], attachment["State"]) == (instance["InstanceId"], "attached")
    disks = {disk["DeviceName"]: disk["Ebs"] for disk in instance["BlockDeviceMappings"]}
    assert not disks["/dev/sdf"]["DeleteOnTermination"]


def test_the_firewall_lets_the_web_in_and_one_address_to_the_shell(site: Site) -> None:
    (group,) = site.instance()["SecurityGroups"]
    only_this = [{"Name": "group-id", "Values": [group["GroupId"]]}]
    rules = site.aws.client("ec2").describe_security_group_rules(Filters=only_this)["SecurityGroupRules"]
    let_in = {
        (rule["FromPort"], rule["ToPort"], rule["IpProtocol"], rule.get("CidrIpv4") or rule.get("CidrIpv6"))
        for rule in rules
        if not rule["IsEgress"]
    }
    world = {(port, port, "tcp", cidr) for port in (80, 443) for cidr in ("0.0.0.0/0", "::/0")}
    assert let_in == world | {(22, 22, "tcp", SCHOOL)}
    assert {rule["IpProtocol"] for rule in rules if rule["IsEgress"]} == {"-1"}


def test_the_name_leads_to_an_address_that_leads_to_the_machine(site: Site) -> None:
    (address,) = site.aws.client("ec2").describe_addresses(PublicIps=[site.address])["Addresses"]
    assert address["InstanceId"] == site.instance()["InstanceId"]
    records = site.aws.client("route53").list_resource_record_sets(HostedZoneId=site.zone)
    found = {
        (record["Name"], record["Type"]): record["ResourceRecords"]
        for record in records["ResourceRecordSets"]
    }
    assert found[f"{DOMAIN}.", "A"] == [{"Value": site.address}]


def test_the_role_may_use_its_folders_of_the_bucket_and_nothing_else(site: Site) -> None:
    iam = site.aws.client("iam")
    profile = site.instance()["IamInstanceProfile"]["Arn"].rpartition("/")[2]
    (role,) = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSSMManagedInstanceCore"]
    (name,) = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
    listing, objects = policy["Statement"]
    arn = f"arn:aws:s3:::{site.bucket}"
    assert (listing["Action"], listing["Resource"]) == ("s3:ListBucket", arn)
    prefixes = ["backups", "backups/*", "uploads", "uploads/*"]
    assert sorted(listing["Condition"]["StringLike"]["s3:prefix"]) == prefixes
    assert sorted(objects["Resource"]) == [f"{arn}/backups/*", f"{arn}/uploads/*"]
    # No version of anything: what the machine deletes can be brought back.
    assert sorted(objects["Action"]) == [
        "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject",
    ]  # fmt: skip


def test_the_user_data_is_good_for_cloud_init_and_small_enough(site: Site, tmp_path: Path) -> None:
    asked = {"InstanceId": site.instance()["InstanceId"], "Attribute": "userData"}
    found = site.aws.client("ec2").describe_instance_attribute(**asked)["UserData"]["Value"]
    user_data = b64decode(found)
    assert len(user_data) <= 16 * 1024
    device = site.volume_id.replace("-", "")
    for told in (
        *(
            DOMAIN,
            "teacher@example.org",
            "https://someone.github.io",
            "https://github.com/class/homeroom.git",
        ),
        *(f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{device}", "Europe/Berlin", REGION),
        *(f"s3://{site.bucket}/backups", f"s3://{site.bucket}/uploads"),
    ):
        assert told in user_data.decode()
    file = tmp_path / "user-data.yaml"
    file.write_bytes(user_data)
    done = subprocess.run(
        ["cloud-init", "schema", "--config-file", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_bytes(user_data + b"\nruncmd: 7\n")
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["cloud-init", "schema", "--config-file", str(file)], capture_output=True, check=True)


# What happens to it later.


def test_a_second_plan_changes_nothing_even_when_there_is_a_newer_image(site: Site) -> None:
    site.aws.publish_ubuntu("arm64", "ubuntu-26.04-arm64-2")
    told = site.operator.does("up", "--origin", "https://another.github.io")
    assert NOTHING_TO_DO in told
    assert "A machine hears of origins at its first start only: with --new-machine." in told


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--availability-zone", "eu-central-1b"), "This would delete the volume with the class's data"),
        (("--no-bucket", "--pictures-on-volume"), "This would delete the bucket with the class's data"),
        (("--pictures-on-volume",), "the machine keeps its right to read them there"),
        (("--data-gb", "10"), "can grow, but not shrink to 10"),
        (("--architecture", "amd64", "--instance-type", "t3.small"), "This needs a new machine"),
        (("--region", "us-east-1"), f"{DOMAIN} is in eu-central-1"),
    ],
)
def test_no_change_loses_data_or_replaces_the_machine_by_the_way(
    options: tuple[str, ...], reason: str, site: Site
) -> None:
    before = site.volume()["VolumeId"], site.instance()["InstanceId"]
    assert reason in site.operator.is_refused("up", *options, "--yes")
    assert before == (site.volume()["VolumeId"], site.instance()["InstanceId"])


def status_of(site: Site, environment: dict[str, str]) -> Result:
    """In this process, which the site's name can be told to."""
    arguments = ["deploy", "aws", "status", DOMAIN, "--folder", str(site.operator.folder)]
    return CliRunner().invoke(main, arguments, env=site.operator.environment | environment)


def test_status_is_good_when_all_is_there_and_the_site_answers(
    site: Site, ready_site: dict[str, str]
) -> None:
    done = status_of(site, ready_site)
    assert done.exit_code == 0, done.output
    assert f"✓ Volume {site.volume_id}, 20 GB in eu-central-1a." in done.output
    assert (
        f"✓ Machine {site.instance()['InstanceId']}, t4g.small at {site.address}, is running." in done.output
    )
    assert f"✓ https://{DOMAIN} answers and is ready." in done.output


def test_status_names_what_differs_and_up_makes_it_good(site: Site) -> None:
    ec2 = site.aws.client("ec2")
    instance = site.instance()
    (group,) = instance["SecurityGroups"]
    opened = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[opened])
    ec2.stop_instances(InstanceIds=[instance["InstanceId"]])
    done = site.operator.run("status")
    assert done.returncode == 1
    assert "✗ `up` would make: firewall: who may come in 443 from everywhere" in done.stdout
    assert f"✗ Machine {instance['InstanceId']}, t4g.small at {site.address}, is stopped." in done.stdout
    assert f"✗ https://{DOMAIN} doesn't answer" in done.stdout
    ec2.start_instances(InstanceIds=[instance["InstanceId"]])
    told = site.operator.does("up", "--yes")
    assert "443 from everywhere" in told
    assert NOTHING_TO_DO in site.operator.does("plan")


def test_a_new_machine_is_of_the_newer_image_and_has_the_volume_and_the_address(site: Site) -> None:
    old, volume, address = site.instance(), site.volume_id, site.address
    site.operator.does("up", "--new-machine", "--yes")
    new = site.instance()
    assert new["InstanceId"] != old["InstanceId"]
    assert new["ImageId"] != old["ImageId"]
    asked = {"InstanceId": new["InstanceId"], "Attribute": "userData"}
    user_data = site.aws.client("ec2").describe_instance_attribute(**asked)["UserData"]["Value"]
    assert "https://another.github.io" in b64decode(user_data).decode()
    assert (site.volume_id, site.address) == (volume, address)
    assert [found["InstanceId"] for found in site.volume()["Attachments"]] == [new["InstanceId"]]
    ended = site.aws.client("ec2").describe_instances(InstanceIds=[old["InstanceId"]])
    assert ended["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"


def test_down_ends_the_machine_and_keeps_what_holds_data(site: Site) -> None:
    instance, address = site.instance()["InstanceId"], site.address
    with without_its_policy(site) as s3:
        s3.put_object(Bucket=site.bucket, Key="backups/one", Body=b"archive")
    site.aws.client("ec2").create_snapshot(
        VolumeId=site.volume_id,
        TagSpecifications=[
            {"ResourceType": "snapshot", "Tags": [{"Key": "homeroom:snapshots", "Value": DOMAIN}]}
        ],
    )
    assert "Aborted!" in site.operator.is_refused("down", typed="n\n")
    told = site.operator.does("down", "--yes")
    assert f"Kept: volume {site.volume_id} with all data" in told
    ec2 = site.aws.client("ec2")
    ended = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert ended["State"]["Name"] == "terminated"
    with pytest.raises(ClientError):
        ec2.describe_addresses(PublicIps=[address])
    assert site.volume()["State"] == "available"
    with without_its_policy(site) as s3:
        assert s3.get_object(Bucket=site.bucket, Key="backups/one")["Body"].read() == b"archive"
    policy = site.operator.outputs("data")["snapshot_policy_id"]
    assert site.aws.client("dlm").get_lifecycle_policy(PolicyId=policy)["Policy"]["State"] == "ENABLED"
    assert "No machine" in site.operator.run("status").stdout


def test_data_is_deleted_only_by_its_name_and_its_snapshots_are_told(site: Site) -> None:
    volume, bucket = site.volume_id, site.bucket
    wrong = site.operator.run("down", "--delete-data", "class.example.com", "--yes")
    assert wrong.returncode == 2
    assert "--delete-data names class.example.com, not class.example.org" in wrong.stderr
    assert "Aborted!" in site.operator.is_refused("down", "--delete-data", DOMAIN, typed="n\n")
    assert site.volume()["State"] == "available"
    told = site.operator.does("down", "--delete-data", DOMAIN, "--yes")
    with pytest.raises(ClientError, match=r"InvalidVolume\.NotFound"):
        site.aws.client("ec2").describe_volumes(VolumeIds=[volume])
    with pytest.raises(ClientError, match="NoSuchBucket"):
        site.aws.client("s3").list_objects_v2(Bucket=bucket)
    left = site.aws.client("dlm").get_lifecycle_policies()["Policies"]
    assert DOMAIN not in [policy["Tags"]["homeroom:site"] for policy in left]
    assert "Snapshots that cost money until you delete them: 1" in told
    assert f"aws ec2 delete-snapshot --region {REGION} --snapshot-id snap-" in told


# What the other site has gone through meanwhile.


def test_a_volume_of_a_snapshot_takes_the_place_of_the_first_one(recovery: Future[Recovery]) -> None:
    found = recovery.result()
    (attachment,) = found.after_restoring["Attachments"]
    assert attachment["Device"] == "/dev/sdf"
    marks = tags(found.after_restoring)
    assert marks["homeroom:site"] == marks["homeroom:snapshots"] == "recovery.example.org"
    assert marks["homeroom:snapshot-policy"].startswith("policy-")
    assert found.displaced != found.restored


def test_with_a_lost_folder_no_second_volume_is_made_and_the_first_is_taken_over(
    recovery: Future[Recovery], aws: Cloud
) -> None:
    found = recovery.result()
    assert "recovery.example.org has a volume already" in found.unknown_volume
    assert "homeroom deploy aws up recovery.example.org --adopt vol-" in found.unknown_volume
    assert "still runs and may be writing to the volume" in found.unknown_machine
    assert "aws ec2 terminate-instances --region eu-central-1 --instance-ids i-" in found.unknown_machine
    assert re.search(r"take over +volume for all data", found.found_again)
    assert re.search(r"take over +daily snapshots", found.found_again)
    assert re.search(r"take over +public address", found.found_again)
    assert found.operator.outputs("data")["volume_id"] == found.restored
    assert found.operator.outputs("machine")["address"] == found.address
    (volume,) = aws.client("ec2").describe_volumes(VolumeIds=[found.restored])["Volumes"]
    (attachment,) = volume["Attachments"]
    assert attachment["InstanceId"] == machine_of(aws, "recovery.example.org")
    assert "is up to date. Nothing to do." in found.operator.does("plan")


def test_pictures_that_are_there_do_not_move_by_the_way(recovery: Future[Recovery]) -> None:
    asked = recovery.result().operator.run("up", "--bucket", "--pictures-in-bucket", typed="n\n")
    assert (asked.returncode, "Aborted!" in asked.stderr) == (1, True)
    assert "how those that are there move: docs/how-to/keep-pictures-on-s3.md." in asked.stdout


def test_a_plan_that_deletes_data_is_refused_even_where_terraform_would_not() -> None:
    for kind, actions in (("aws_ebs_volume", ["delete", "create"]), ("aws_s3_bucket", ["delete"])):
        change = {"actions": actions, "before": {"id": "x", "size": 20}, "after": {"size": 20}}
        found = {"address": f"{kind}.one", "type": kind, "mode": "managed", "change": change}
        with pytest.raises(ChangeRefusedError, match=rf"with the class's data \({kind}.one\)"):
            refuse_loss(Plan.parse({"resource_changes": [found]}))
