"""Whoever deploys to AWS: the command line, a folder of their own, and Terraform with a mirror's provider."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deploy.cloud import REGION, Cloud

# The folder that holds the provider's tree, as `terraform providers mirror` makes it.
MIRROR = Path(os.environ.get("HOMEROOM_TF_MIRROR", "/opt/tf-plugins"))
TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
FIRST = (
    *("--region", REGION, "--email", "teacher@example.org"),
    *("--repository", "https://github.com/class/homeroom.git"),
)


def what_is_missing() -> str | None:
    """Why nothing of AWS can be shown here; None if all is there."""
    if TERRAFORM is None:
        return "neither terraform nor tofu is on PATH"
    if not MIRROR.is_dir():
        return f"no mirror with the AWS provider is at {MIRROR} (HOMEROOM_TF_MIRROR names another folder)"
    return None


class Operator:
    """Runs `homeroom deploy aws …` for one domain."""

    def __init__(self, aws: Cloud, work: Path, domain: str, folder: str | None = None) -> None:
        self.domain = domain
        self.folder = work / (folder or domain)
        self.environment = os.environ | aws.environment | terraform_settings(work)

    def command(self, command: str, *options: str) -> list[str]:
        folder = ("--folder", str(self.folder))
        homeroom = (sys.executable, "-m", "homeroom", "deploy", "aws")
        return [*homeroom, command, *folder, *options, "--", self.domain]

    def run(self, command: str, *options: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(command, *options), env=self.environment, input=typed, capture_output=True,
            text=True, timeout=280, check=False,
        )  # fmt: skip

    def does(self, command: str, *options: str, typed: str = "") -> str:
        """What it tells; it must succeed."""
        done = self.run(command, *options, typed=typed)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def is_refused(self, command: str, *options: str, typed: str = "") -> str:
        """Why; it must not succeed."""
        done = self.run(command, *options, typed=typed)
        assert done.returncode == 1, done.stdout
        return " ".join(done.stderr.split())

    def start(self, command: str, *options: str) -> "Running":
        return Running(self.command(command, *options), self.environment)

    def terraform(
        self, folder: Path, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Terraform itself, as an expert would run it there."""
        return subprocess.run(
            [str(TERRAFORM), *arguments], cwd=folder, env=self.environment, capture_output=True, text=True,
            check=check,
        )  # fmt: skip

    def outputs(self, module: str) -> dict[str, Any]:
        told = json.loads(self.terraform(self.folder / module, "output", "-json").stdout)
        return {name: output["value"] for name, output in told.items()}


class Running:
    """A command under way; what it tells is on standard error."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def interrupt(self) -> None:
        """Ctrl+C."""
        self._process.send_signal(signal.SIGINT)

    def kill_terraform(self) -> None:
        """`kill -9` of Terraform and its provider, as when memory runs out."""
        (terraform,) = (
            Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        )
        os.killpg(int(terraform), signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Its status, and what it told since."""
        _, told = self._process.communicate(timeout=200)
        return self._process.returncode, " ".join(told.split())


def terraform_settings(work: Path) -> dict[str, str]:
    """No registry is asked: the provider comes from the mirror."""
    settings = work / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRROR}" }}\n}}\n')
    return {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
