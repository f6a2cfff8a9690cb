"""`homeroom deploy update`: a new version takes over without downtime."""

from pathlib import Path

import click

from homeroom.cli.env_file import read_env_file
from homeroom.operations.deploy.installation import Installation, UpdateError
from homeroom.operations.deploy.releases import ReleaseError
from homeroom.operations.deploy.update import update as run_update

_DEFAULTS = Installation(Path())


@click.command("update")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="/opt/homeroom",
    show_default=True,
    help="Folder in which versions are installed.",
)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The service's settings file, for the migration.",
)
@click.option("--user", help="User who owns the data.  [default: the current user]")
@click.option(
    "--start",
    "start_command",
    default=_DEFAULTS.start_command,
    show_default=True,
    help="Command that starts the version on a port.",
)
@click.option(
    "--stop", "stop_command", default=_DEFAULTS.stop_command, show_default=True, help="Command that stops it."
)
@click.option(
    "--at-boot",
    "at_boot_command",
    default=_DEFAULTS.at_boot_command,
    show_default=True,
    help="Command that starts the serving version at boot.",
)
@click.option(
    "--test",
    "test_command",
    default=_DEFAULTS.test_command,
    show_default=True,
    help="Command that tests Nginx's configuration.",
)
@click.option(
    "--reload",
    "reload_command",
    default=_DEFAULTS.reload_command,
    show_default=True,
    help="Command that reloads Nginx.",
)
@click.option(
    "--port", "ports", nargs=2, type=click.IntRange(1, 65535), default=_DEFAULTS.ports, show_default=True
)
@click.option("--ready-timeout", "ready_timeout_s", default=_DEFAULTS.ready_timeout_s, show_default=True)
@click.option(
    "--watch",
    "watch_s",
    default=_DEFAULTS.watch_s,
    show_default=True,
    help="Seconds to watch the new version.",
)
@click.option(
    "--maintenance",
    is_flag=True,
    help="Stop the old version first, for migrations that it can't run with.",
)
def update(source: Path, env_file: Path | None, maintenance: bool, **options: object) -> None:
    """Update the site to the checkout SOURCE, and go back to the old version if the new one fails.

    The first time, install and start the first version.
    """
    installation = Installation(settings=read_env_file(env_file), **options)  # type: ignore[arg-type]  # click's values
    try:
        release = run_update(installation, source.resolve(), maintenance=maintenance, say=click.echo)
    except (ReleaseError, UpdateError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{release.name} serves on port {installation.live_port()}.")
