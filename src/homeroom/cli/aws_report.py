"""What `homeroom deploy aws` tells: changes, costs, progress, and what to do next."""

from collections.abc import Sequence
from typing import Any, Self

import click
from rich.console import Console
from rich.status import Status
from rich.table import Table

from homeroom.operations.deploy.aws.changes import Change, Plan
from homeroom.operations.deploy.aws.costs import PRICES_OF, Cost, estimate
from homeroom.operations.deploy.aws.settings import SiteSettings
from homeroom.operations.deploy.aws.terraform import Step

_DONE = {"create": "made", "update": "changed", "delete": "deleted"}
_WIDE = 140
_COLOURS = {"delete": "red", "replace": "red", "change": "yellow"}


class StepReport:
    """A line for each resource that is done; on a terminal also what is under way."""

    def __init__(self, *changes: Change) -> None:
        self._things = {change.address: " ".join((change.thing, change.detail)).strip() for change in changes}
        self._under_way: dict[str, str] = {}
        console = Console(stderr=True)
        self._status = Status("", console=console) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, step: Step) -> None:
        thing = self._things.get(step.address, step.address)
        if step.done:
            self._under_way.pop(step.address, None)
            click.echo(f"  ✓ {_DONE.get(step.action, step.action)}: {thing} ({step.elapsed_s} s)", err=True)
        else:
            self._under_way[step.address] = thing
        if self._status is not None:
            self._status.update(", ".join(self._under_way.values()) or "…")


def tell_changes(*plans: Plan) -> None:
    """A table of what is made, changed and deleted, one line for all of a kind that are alike."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "What", "Which"):
        table.add_column(heading, overflow="fold")
    lines = [(change.verb, change.thing, change.detail) for plan in plans for change in plan.changes]
    for verb, thing, detail in dict.fromkeys(lines):
        table.add_row(verb, thing, detail, style=_COLOURS.get(verb))
    # Where no terminal says how wide it is, nothing is broken into lines.
    console = Console(width=None if Console().is_terminal else _WIDE)
    console.print(table)
    click.echo()


def tell_costs(settings: SiteSettings) -> None:
    costs = list(estimate(settings))
    click.echo(f"Estimated cost per month (list prices in {PRICES_OF}; other regions differ by up to 50%):")
    for cost in costs:
        click.echo(f"  {_dollars(cost):>9}  {cost.what}")
    if any(cost.dollars is None for cost in costs):
        click.echo("  For prices marked with ?, see https://aws.amazon.com/ec2/pricing/on-demand/")
    click.echo(
        f"  {_total(costs):>9}  in total, without taxes, traffic over 100 GB, and a Route 53 zone ($0.50)"
    )
    click.echo()


def _dollars(cost: Cost) -> str:
    return "?" if cost.dollars is None else f"${cost.dollars:.2f}"


def _total(costs: Sequence[Cost]) -> str:
    return f"${sum(cost.dollars or 0 for cost in costs):.2f}"


def tell_next_steps(settings: SiteSettings, outputs: dict[str, Any], *, installs: bool) -> None:
    """How to go on, from the record to set to the first admin's link."""
    if installs:
        click.echo(f"\nThe machine is now installing itself. In a few minutes: https://{settings.domain}")
    for what, how in _steps(settings, outputs):
        click.echo(f"  {what:<23} {how}")
    click.echo("Keep the site's folder, because it records what belongs to the site.")


def _steps(settings: SiteSettings, outputs: dict[str, Any]) -> list[tuple[str, str]]:
    address, instance = outputs["address"], outputs["instance_id"]
    session = f"aws ssm start-session --region {settings.region} --target {instance}"
    by_ssh = settings.public_key and settings.ssh_from
    steps = [
        ("Shell", f"ssh ubuntu@{address}" if by_ssh else session),
        ("Watch the installation", "sudo tail -f /var/log/cloud-init-output.log   (on the machine)"),
        ("First admin's link", "sudo homeroom-machine link   (on the machine)"),
        ("State, update", "sudo homeroom-machine status, sudo homeroom-machine update   (on the machine)"),
        ("From here", f"homeroom deploy aws status {settings.domain}"),
    ]
    if not settings.zone_id:
        steps.insert(0, ("DNS record to set", f"{settings.domain}  A  {address}"))
    return steps


def tell_kept(settings: SiteSettings, outputs: dict[str, Any]) -> None:
    kept = [cost for cost in estimate(settings) if cost.stays]
    bucket = f", bucket {outputs['bucket']}" if outputs.get("bucket") else ""
    click.echo(
        f"\nKept: volume {outputs.get('volume_id', '(none)')} with all data, its daily snapshots{bucket}; "
        f"at most about {_total(kept)} a month."
    )
    click.echo(
        f"`homeroom deploy aws up {settings.domain}` makes a new machine for them, at another address."
    )


def tell_snapshots(settings: SiteSettings, snapshots: Sequence[str]) -> None:
    if not snapshots:
        click.echo("\nEverything is deleted, and no snapshots are left.")
        return
    click.echo(f"\nSnapshots that cost money until you delete them: {len(snapshots)}")
    for snapshot in snapshots:
        click.echo(f"  aws ec2 delete-snapshot --region {settings.region} --snapshot-id {snapshot}")
