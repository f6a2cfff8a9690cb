"""A site's folder: working copies of the modules, their states beside them, and one command at a time."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import homeroom
from homeroom.data.locks import hold
from homeroom.operations.deploy.aws.terraform import Terraform, terraform_environment

# In a checkout; what is installed elsewhere brings no modules along.
MODULES = Path(homeroom.__file__).parents[2] / "deploy/aws"
_OVERRIDE = "delete-data_override.tf"
_IMPORTS = "taken-over.tf.json"
# Ours in a working copy. All else there is Terraform's: state, lock, provider.
_COPIED = ("*.tf", "*.tf.json", "*.yaml")


class WorkspaceError(Exception):
    """The folder cannot be worked in; the text says why."""


class Workspace:
    """The folder of one site. Nothing is written into the checkout."""

    def __init__(self, folder: Path, program: str) -> None:
        if not MODULES.is_dir():
            raise WorkspaceError(
                f"{MODULES} is not there: run this from a checkout of Homeroom, by its .venv/bin/homeroom."
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The state tells how the site is reached and what guards it.
        folder.chmod(0o700)
        self.folder = folder
        environment = terraform_environment(folder / "plugins")
        self.data = Terraform(program, folder / "data", environment)
        self.machine = Terraform(program, folder / "machine", environment)
        self.inventory = Terraform(program, folder / "inventory", environment)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One command at a time.

        Raises:
            WorkspaceError: another one is under way.
        """
        with (self.folder / "lock").open("w") as lock:
            hold(lock, WorkspaceError(f"Another command works in {self.folder}. Wait until it ends."))
            yield

    def copy(self, module: str) -> None:
        """The module as the checkout has it now."""
        target = self.folder / module
        target.mkdir(exist_ok=True)
        for pattern in _COPIED:
            for stale in target.glob(pattern):
                stale.unlink()
            for source in (MODULES / module).glob(pattern):
                shutil.copy(source, target)

    def tell(self, module: str, values: dict[str, Any]) -> None:
        """Give a module its variables."""
        path = self.folder / module / "terraform.tfvars.json"
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

    def take_over(self, module: str, ids: dict[str, str]) -> None:
        """Have the next plan import what is on AWS already, by its address in the module."""
        blocks = [{"to": address, "id": found} for address, found in ids.items()]
        if blocks:
            path = self.folder / module / _IMPORTS
            path.write_text(json.dumps({"import": blocks}, indent=2) + "\n", encoding="utf-8")

    def unprotect(self) -> None:
        """Until the module is copied again, what holds data can be destroyed."""
        shutil.copy(MODULES / _OVERRIDE, self.folder / "data")
