"""`homeroom demo`: the demo class, in and out."""

import click
from flask.cli import with_appcontext

from homeroom.roster.demo import load_demo_class, remove_demo_class


@click.group("demo")
def demo() -> None:
    """Load or remove the demo class."""


@demo.command("load")
@with_appcontext
def load() -> None:
    """Create the demo class's people; existing ones stay."""
    click.echo(f"Made {load_demo_class()} demo users.")


@demo.command("remove")
@with_appcontext
def remove() -> None:
    """Delete the demo class's people, and nobody else."""
    click.echo(f"Removed {remove_demo_class()} demo users.")
