"""`homeroom deploy aws`: a machine, a volume and a name on AWS; planned, made, looked at, taken down."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from homeroom.cli.aws_report import (
    StepReport,
    tell_changes,
    tell_costs,
    tell_kept,
    tell_next_steps,
    tell_snapshots,
)
from homeroom.cli.checked import checked
from homeroom.config import load_config
from homeroom.config.checks import check_origin
from homeroom.operations.deploy.aws.adoption import adopt, displaced_volume
from homeroom.operations.deploy.aws.changes import ChangeRefusedError
from homeroom.operations.deploy.aws.condition import examine
from homeroom.operations.deploy.aws.settings import (
    SettingsError,
    SiteSettings,
    merged,
    moves_pictures,
    require_remembered,
    unheard,
)
from homeroom.operations.deploy.aws.site import AwsSite, Plans
from homeroom.operations.deploy.aws.terraform import TerraformError, find_program
from homeroom.operations.deploy.aws.workspace import Workspace, WorkspaceError
from homeroom.operations.deploy.nginx import check_domain

_Command = Callable[..., None]


_PLACE = (
    click.argument("domain", callback=checked(check_domain)),
    click.option(
        "--folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder with the site's state; keep it.  [default: instance/aws/DOMAIN]",
    ),
    click.option("--terraform", "program", metavar="PATH", help="[default: terraform or tofu on PATH]"),
)
# Their names are those of the settings and of the modules' variables, which check them.
_SETTINGS = (
    click.option("--region", help="AWS region, such as eu-central-1."),
    click.option("--email", help="Address for mail about certificates."),
    click.option("--repository", metavar="URL", help="Your class's fork, which the machine clones."),
    click.option("--revision", help="Branch, tag or commit of the fork.  [default: main]"),
    click.option(
        "--origin",
        "origins",
        multiple=True,
        metavar="ORIGIN",
        callback=checked(check_origin),
        help="Allow pages from this origin to use the API.",
    ),
    click.option("--instance-type", help="[default: t4g.small]"),
    click.option("--architecture", type=click.Choice(["arm64", "amd64"]), help="[default: arm64]"),
    click.option("--ubuntu-release", help="[default: 26.04]"),
    click.option("--availability-zone", help="[default: the first that offers the type]"),
    click.option("--subnet-id", help="[default: the zone's default one]"),
    click.option("--data-gb", type=int, help="Size of the data volume.  [default: 20]"),
    click.option("--root-gb", type=int, help="Size of the machine's system disk.  [default: 16]"),
    click.option("--snapshots-kept", type=int, help="Daily snapshots of the volume.  [default: 14]"),
    click.option(
        "--bucket/--no-bucket", default=None, help="Create a bucket for backups.  [default: --bucket]"
    ),
    click.option("--pictures-in-bucket/--pictures-on-volume", default=None, help="[default: on the volume]"),
    click.option("--public-key", type=click.File(), help="SSH public key, such as ~/.ssh/id_ed25519.pub."),
    click.option(
        "--ssh-from", multiple=True, metavar="CIDR", help="Addresses that can reach port 22.  [default: none]"
    ),
    click.option("--no-ssh", is_flag=True, help="Close port 22."),
    click.option("--zone-id", help="Route 53 zone in which to create the record."),
    click.option("--time-zone", help="[default: UTC]"),
    click.option("--acme-server", metavar="URL", help="[default: Let's Encrypt]"),
)
_yes = click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
_new_machine = click.option(
    "--new-machine", is_flag=True, help="Replace the machine with one from Ubuntu's current image."
)


def _with(*decorators: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def apply(command: _Command) -> _Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


@click.group("aws")
def aws() -> None:
    """Run the site on AWS with Terraform or OpenTofu: see docs/how-to/run-on-aws.md.

    AWS credentials come from where AWS's own tools read them: AWS_PROFILE, AWS_ACCESS_KEY_ID and so on.
    """


@aws.command("plan")
@_with(*_PLACE, *_SETTINGS, _new_machine)
def plan(domain: str, folder: Path | None, program: str | None, new_machine: bool, **given: Any) -> None:
    """Show what `up` would change at DOMAIN and what a month costs. Nothing is created or saved."""
    with _site(domain, folder, program, given) as site:
        _tell_plans(site, site.plan(new_machine=new_machine))


@aws.command("up")
@_with(*_PLACE, *_SETTINGS, _new_machine, _yes)
@click.option("--adopt", "volume_id", metavar="VOLUME", help="Use a volume that already exists on AWS.")
def up(
    domain: str, folder: Path | None, program: str | None, new_machine: bool, yes: bool,
    volume_id: str | None, **given: Any,
) -> None:  # fmt: skip
    """Create the site DOMAIN, or apply changed options to it.

    The first time, pass --region, --email and --repository. Later, DOMAIN is enough. A running machine is
    replaced only with --new-machine, and data is never deleted.
    """
    with _site(domain, folder, program, given) as site:
        if volume_id is not None:
            _adopt(site, volume_id, new_machine=new_machine, yes=yes)
        plans = site.plan(new_machine=new_machine)
        _tell_plans(site, plans)
        _tell_unheard(site, plans)
        if plans.is_empty:
            site.remember()
            return
        _confirm("Do this?", yes=yes)
        with StepReport(*plans.data.changes, *plans.machine.changes) as progress:
            outputs = site.make(plans, progress.show, new_machine=new_machine)
        tell_next_steps(site.settings, outputs, installs=plans.machine.installs())


@aws.command("status")
@_with(*_PLACE)
@click.pass_context
def status(context: click.Context, domain: str, folder: Path | None, program: str | None) -> None:
    """Show the parts of DOMAIN, whether they have changed, and whether the site answers.

    Status 1 if anything is wrong.
    """
    with _site(domain, folder, program, {}, known_only=True) as site:
        well = True
        for finding in examine(site):
            mark = click.style("✓", fg="green") if finding.ok else click.style("✗", fg="red")
            click.echo(f"{mark} {finding.told}")
            well = well and finding.ok
    context.exit(0 if well else 1)


@aws.command("down")
@_with(*_PLACE, _yes)
@click.option(
    "--delete-data",
    metavar="DOMAIN",
    help="Also delete the volume, the bucket and everything in them. Repeat the domain here.",
)
def down(domain: str, folder: Path | None, program: str | None, yes: bool, delete_data: str | None) -> None:
    """Terminate DOMAIN's machine. The volume, its snapshots and the bucket stay and keep costing money."""
    if delete_data is not None and delete_data != domain:
        raise click.UsageError(f"--delete-data names {delete_data}, not {domain}; nothing was done.")
    with _site(domain, folder, program, {}, known_only=True) as site:
        _end_machine(site, yes=yes)
        if delete_data is None:
            tell_kept(site.settings, site.workspace.data.outputs())
            return
        _end_data(site, yes=yes)
        tell_snapshots(site.settings, site.look().snapshots)


def _end_machine(site: AwsSite, *, yes: bool) -> None:
    plan = site.plan_down()
    if not plan.changes:
        click.echo("No machine.")
        return
    tell_changes(plan)
    _confirm(f"End the machine of {site.settings.domain}?", yes=yes)
    with StepReport(*plan.changes) as progress:
        site.workspace.machine.apply(progress.show)


def _end_data(site: AwsSite, *, yes: bool) -> None:
    plan = site.plan_deletion()
    if not plan.changes:
        click.echo("No data.")
        return
    tell_changes(plan)
    _confirm(f"Delete all data of {site.settings.domain}? You can't undo this.", yes=yes)
    with StepReport(*plan.changes) as progress:
        site.delete_data(progress.show)


def _adopt(site: AwsSite, volume_id: str, *, new_machine: bool, yes: bool) -> None:
    displaced = displaced_volume(site, volume_id)
    if displaced is not None:
        if not new_machine:
            raise click.UsageError("A different volume needs a new machine. Add --new-machine.")
        _confirm(f"Let {volume_id} take the place of {displaced}, which stays on AWS?", yes=yes)
    adopt(site, volume_id)


def _tell_plans(site: AwsSite, plans: Plans) -> None:
    if plans.is_empty:
        click.echo(f"{site.settings.domain} is up to date. Nothing to do.")
    else:
        tell_changes(plans.data, plans.machine)
    tell_costs(site.settings)


def _tell_unheard(site: AwsSite, plans: Plans) -> None:
    names = unheard(site.workspace.folder, site.settings)
    if names and not plans.machine.installs():
        click.echo(f"A machine hears of {', '.join(names)} at its first start only: with --new-machine.\n")
    if moves_pictures(site.workspace.folder, site.settings):
        click.echo(
            "The machine may keep pictures in the bucket from now on. How it does, and how those that are "
            "there move: docs/how-to/keep-pictures-on-s3.md.\n"
        )


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True)


@contextmanager
def _site(
    domain: str, folder: Path | None, program: str | None, given: dict[str, Any], *, known_only: bool = False
) -> Iterator[AwsSite]:
    """The site, prepared and for us alone; what is refused on the way is told in one clear message."""
    place = folder or load_config(homeroom_env="development").instance_path / "aws" / domain
    try:
        if known_only:
            require_remembered(place, domain)
        settings = _settled(place, domain, given)
        workspace = Workspace(place, find_program(program))
        with workspace.alone():
            site = AwsSite(workspace, settings)
            site.prepare()
            yield site
    except (TerraformError, ChangeRefusedError, SettingsError, WorkspaceError) as error:
        raise click.ClickException(str(error)) from None


def _settled(place: Path, domain: str, given: dict[str, Any]) -> SiteSettings:
    """What is remembered, with the options that were given."""
    chosen = {name: value for name, value in given.items() if value is not None and value != ()}
    if key := chosen.pop("public_key", None):
        chosen["public_key"] = key.read().strip()
    if chosen.pop("no_ssh", False):
        chosen["ssh_from"] = ()
    return merged(place, domain, chosen)
