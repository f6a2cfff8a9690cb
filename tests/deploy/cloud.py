"""An AWS of the tests' own on loopback, as a process (cloud_server.py), and how it is talked to."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import requests
from botocore.client import BaseClient

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
UBUNTU = "/aws/service/canonical/ubuntu/server/26.04/stable/current/{}/hvm/ebs-gp3/ami-id"
# Nobody's keys; no request leaves this machine.
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class Cloud:
    """The running AWS: how it is reached, and who plays Canonical there."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.environment = KEYS | {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION}

    def client(self, service: str) -> BaseClient:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def publish_ubuntu(self, architecture: str, name: str) -> str:
        """A new image of Ubuntu becomes the current one; its id."""
        ec2_architecture = {"amd64": "x86_64"}.get(architecture, architecture)
        image: str = self.client("ec2").register_image(
            Name=name, Architecture=ec2_architecture, RootDeviceName="/dev/sda1", VirtualizationType="hvm"
        )["ImageId"]
        self.point_ubuntu(architecture, image)
        return image

    def ubuntu(self, architecture: str) -> str:
        """The current image."""
        return str(self.client("ssm").get_parameter(Name=UBUNTU.format(architecture))["Parameter"]["Value"])

    def point_ubuntu(self, architecture: str, image: str) -> None:
        answer = requests.put(f"{self.url}/canonical/{architecture}", data=image, timeout=10)
        answer.raise_for_status()


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """A fresh, empty AWS, as a process that is ended by its own id."""
    port = free_port()
    command = [sys.executable, "-m", "tests.deploy.cloud_server", str(port)]
    # Managed policies are there as on AWS; unknown images are refused as there.
    settings = {
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "MOTO_ENABLE_AMI_VALIDATION": "true",
        "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
        "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    }
    with (folder / "cloud.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | KEYS | settings, stdout=log, stderr=log
        )
    try:
        running = Cloud(port)
        _wait_for(running, process, folder / "cloud.log")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(running: Cloud, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not _answers(running):
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, "moto did not start"
        time.sleep(0.1)


def _answers(running: Cloud) -> bool:
    try:
        return requests.get(f"{running.url}/moto-api/", timeout=5).ok
    except requests.ConnectionError:
        return False
