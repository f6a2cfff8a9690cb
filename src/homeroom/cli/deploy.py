"""`homeroom deploy`: from laptop to internet."""

import click

from homeroom.cli.lazy import LazyGroup

DEPLOY_COMMANDS = {
    "aws": "homeroom.cli.deploy_aws:aws",
    "nginx": "homeroom.cli.deploy_nginx:nginx",
    "update": "homeroom.cli.deploy_update:update",
}


class DeployGroup(LazyGroup):
    """The ways to bring the site to the internet, and to keep it there."""

    places = DEPLOY_COMMANDS


@click.group("deploy", cls=DeployGroup)
def deploy() -> None:
    """Put the site on the internet, and update it."""
