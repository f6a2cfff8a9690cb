"""Running Terraform or OpenTofu: its plans, its progress and its errors, read from what it prints as JSON."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from homeroom.operations.deploy.aws.changes import Plan, loss_refused

PROGRAMS = ("terraform", "tofu")
_PLAN_FILE = "plan.bin"
# Where the error's detail says it all, and the summary only of what kind it is.
_DETAIL_ALONE = ("Invalid value for variable", "Resource precondition failed")


class TerraformError(Exception):
    """Terraform refused or failed; the text is its own."""


@dataclass(frozen=True)
class Step:
    """One resource begins to be made or is done."""

    address: str
    action: str
    done: bool
    elapsed_s: int = 0


OnStep = Callable[[Step], None]


def find_program(named: str | None) -> str:
    """The program that runs the modules.

    Raises:
        TerraformError: there is none.
    """
    for candidate in (named,) if named else PROGRAMS:
        if found := shutil.which(candidate):
            return found
    if named:
        raise TerraformError(f"{named} is no program that can be run.")
    raise TerraformError(
        "Neither terraform nor tofu is installed. Get OpenTofu (https://opentofu.org/docs/intro/install/) or "
        "Terraform (https://developer.hashicorp.com/terraform/install); --terraform names one elsewhere."
    )


class Terraform:
    """One module in a folder of its own, with its state beside it."""

    def __init__(self, program: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._program = program
        self._folder = folder
        self._environment = environment

    def init(self) -> None:
        """Fetch the provider, unless this program did so for these versions already."""
        done = self._folder / ".terraform/homeroom-init"
        wanted = self._program + "\n" + (self._folder / "versions.tf").read_text(encoding="utf-8")
        if done.exists() and done.read_text(encoding="utf-8") == wanted:
            return
        self._run("init", "-input=false", "-no-color")
        done.write_text(wanted, encoding="utf-8")

    def plan(self, *options: str) -> Plan:
        """What would be changed.

        Raises:
            TerraformError: a value is refused, or AWS is.
        """
        self._follow("plan", "-input=false", "-json", f"-out={_PLAN_FILE}", *options)
        return Plan.parse(json.loads(self._run("show", "-json", _PLAN_FILE)))

    def apply(self, on_step: OnStep) -> None:
        """Do what was planned last.

        Raises:
            TerraformError: something could not be made; what was made is in the state.
        """
        try:
            self._follow("apply", "-input=false", "-json", _PLAN_FILE, on_step=on_step)
        finally:
            (self._folder / _PLAN_FILE).unlink(missing_ok=True)

    def outputs(self) -> dict[str, Any]:
        """What the module tells; empty before it was applied."""
        told = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in told.items()}

    def ids(self) -> dict[str, str]:
        """The ids of what the state knows, by address."""
        values = json.loads(self._run("show", "-json")).get("values", {})
        resources = values.get("root_module", {}).get("resources", [])
        return {
            found["address"]: str(found["values"].get("id"))
            for found in resources
            if found["mode"] == "managed"
        }

    def keep_half_made(self, kinds: Iterable[str]) -> None:
        """Go on with what was interrupted while it was made, where Terraform would make it anew."""
        state = json.loads(self._run("state", "pull") or "{}")
        for found in state.get("resources", []):
            for instance in found["instances"]:
                if found["type"] in kinds and instance.get("status") == "tainted":
                    index = f"[{instance['index_key']}]" if "index_key" in instance else ""
                    self._run("untaint", f"{found['type']}.{found['name']}{index}")

    def forget_if_known(self, address: str) -> None:
        """Take a resource out of the state; it stays on AWS."""
        if address in self.ids():
            self._run("state", "rm", address)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603  Terraform, by a list
            [self._program, *arguments], cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise TerraformError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def _follow(self, *arguments: str, on_step: OnStep | None = None) -> None:
        """Run what prints a line of JSON for each step."""
        # In a group of its own, so that it hears of Ctrl+C once, from us, and not from the terminal too:
        # the second time it would stop at once and leave behind what it knows nothing of.
        process = subprocess.Popen(  # noqa: S603
            [self._program, *arguments], cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0,
        )  # fmt: skip
        assert process.stdout is not None
        told: list[str] = []
        with process, _passing_signals(process) as interrupted:
            for line in process.stdout:
                event = _parse(line)
                if event is None:
                    told.append(line.strip())
                elif event.get("type") == "diagnostic" and event["@level"] == "error":
                    told.append(_explain(event["diagnostic"]))
                elif on_step is not None and (step := _step(event)) is not None:
                    on_step(step)
        if process.returncode != 0:
            if interrupted:
                told.append("Interrupted. What was made is known; the same command goes on from there.")
            raise TerraformError("\n".join(told) or f"{self._program} ended with {process.returncode}.")


@contextmanager
def _passing_signals(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Terraform is told of an interruption, and waited for: it writes down what it has made so far."""
    received: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parse(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _step(event: dict[str, Any]) -> Step | None:
    hook = event.get("hook", {})
    if event.get("type") not in ("apply_start", "apply_complete") or hook["action"] == "read":
        return None
    done = event["type"] == "apply_complete"
    return Step(hook["resource"]["addr"], hook["action"], done, hook.get("elapsed_seconds", 0))


def _explain(diagnostic: dict[str, Any]) -> str:
    summary, detail = diagnostic["summary"], diagnostic.get("detail", "")
    if summary in _DETAIL_ALONE:
        # What follows names the line of our own code that says so.
        return str(detail.partition("\n\nThis was checked by")[0])
    if summary == "Instance cannot be destroyed":
        # The module's prevent_destroy comes before our own look at the plan.
        return loss_refused(detail.split()[1])
    where = f" ({diagnostic['address']})" if diagnostic.get("address") else ""
    return f"{summary}{where}" + (f"\n{detail}" if detail else "")


def terraform_environment(plugins: Path) -> dict[str, str]:
    """What Terraform is run with; AWS's keys come from the environment, as every tool of AWS takes them."""
    plugins.mkdir(parents=True, exist_ok=True)
    ours = {
        "TF_IN_AUTOMATION": "1",
        # It asks nobody whether there is a newer version.
        "CHECKPOINT_DISABLE": "1",
        # The modules share the provider, of 700 MB; each folder's lock then knows this platform's hash alone.
        "TF_PLUGIN_CACHE_DIR": str(plugins.resolve()),
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
    }
    return ours | os.environ
