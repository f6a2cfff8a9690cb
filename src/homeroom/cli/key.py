"""`homeroom secret-key`."""

import click

from homeroom.auth.keys import generate_key


@click.command("secret-key")
def secret_key() -> None:
    """Print a new key for SECRET_KEY."""
    click.echo(generate_key())
