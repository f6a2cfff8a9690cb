"""The command line: `homeroom …`."""

import click
from flask.cli import ScriptInfo
from flask_migrate.cli import db as db_commands

from homeroom import __version__
from homeroom.app import create_app
from homeroom.auth.keys import generate_key
from homeroom.cli.demo import demo
from homeroom.cli.serve import run, serve
from homeroom.cli.site import site
from homeroom.cli.user import user
from homeroom.config import ConfigError


class HomeroomGroup(click.Group):
    """Tells a wrong setting in one clear line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=HomeroomGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="homeroom")
@click.pass_context
def main(context: click.Context) -> None:
    """A class's portfolio site that its teacher runs in one command."""
    # Flask's `with_appcontext` makes the app from this, for commands that need one.
    context.obj = ScriptInfo(create_app=create_app, set_debug_flag=False)


@main.command("secret-key")
def secret_key() -> None:
    """Print a new key for SECRET_KEY."""
    click.echo(generate_key())


for command in (run, serve, site, user, demo, db_commands):
    main.add_command(command)
