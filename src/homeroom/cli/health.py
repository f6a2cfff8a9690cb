"""`homeroom health`: ask a running server whether it can serve, as a container's health check does."""

import click

from homeroom.config.checks import split_url
from homeroom.operations.deploy.health import unreadiness


@click.command("health")
@click.argument("address", default="http://127.0.0.1:8086", metavar="[URL]")
def health(address: str) -> None:
    """Check whether the server at URL is ready; status 1 and the reason if it isn't."""
    if split_url(address).scheme not in ("http", "https"):
        raise click.BadParameter(f"{address!r} isn't an address. Write it like http://127.0.0.1:8086")
    reason = unreadiness(address.rstrip("/"))
    if reason is not None:
        raise click.ClickException(reason)
    click.echo("ok")
