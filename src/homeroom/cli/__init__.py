"""The command line: `homeroom …`."""

from importlib import import_module

import click
from flask.cli import ScriptInfo
from sqlalchemy.exc import DBAPIError

from homeroom import __version__
from homeroom.cli.lazy import LazyGroup
from homeroom.cli.presence import needs_site, require_site
from homeroom.config import ConfigError, load_config
from homeroom.data.faults import fault_of

# Where each command is. Only the one that is asked for is loaded: a server starts without the parts
# that draw sheets, a sheet is drawn without the server.
COMMANDS = {
    "run": "homeroom.cli.serve:run",
    "serve": "homeroom.cli.serve:serve",
    "prepare": "homeroom.cli.prepare:prepare",
    "health": "homeroom.cli.health:health",
    "deploy": "homeroom.cli.deploy:deploy",
    "roster": "homeroom.cli.roster:roster",
    "user": "homeroom.cli.user:user",
    "uploads": "homeroom.cli.uploads:uploads",
    "import-legacy": "homeroom.cli.legacy:import_legacy",
    "site": "homeroom.cli.site:site",
    "backup": "homeroom.cli.backup:backup",
    "restore": "homeroom.cli.backup:restore_",
    "drill": "homeroom.cli.backup:drill_",
    "demo": "homeroom.cli.demo:demo",
    "db": "flask_migrate.cli:db",
    "doctor": "homeroom.cli.doctor:doctor",
    "secret-key": "homeroom.cli.key:secret_key",
}


class HomeroomGroup(LazyGroup):
    """Loads a command when it is asked for, and tells a wrong setting in one clear line."""

    places = COMMANDS

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from None
        except DBAPIError as error:
            raise click.ClickException(_explain(error)) from None


def _explain(error: DBAPIError) -> str:
    """What is wrong with the database, and what to do; its own words behind it, without its values."""
    # Only now: the checks need parts that no server does.
    explain_fault = import_module("homeroom.operations.doctor.machine").explain_fault
    found = explain_fault(fault_of(error), load_config())
    reason = str(error.orig).splitlines()[0]
    return f"{found.told} {found.remedy} ({reason})"


def _make_app() -> object:
    if needs_site(click.get_current_context()):
        require_site(load_config())
    return import_module("homeroom.app").create_app()


@click.group(cls=HomeroomGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="homeroom")
@click.pass_context
def main(context: click.Context) -> None:
    """A class's portfolio site that its teacher runs in one command."""
    # Flask's `with_appcontext` makes the app from this, for commands that need one.
    context.obj = ScriptInfo(create_app=_make_app, set_debug_flag=False)  # type: ignore[arg-type]  # it is a Flask
