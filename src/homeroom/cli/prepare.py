"""`homeroom prepare`: what a deployment needs before it serves; and what `homeroom run` shares with it."""

import click
import flask_migrate
from flask import current_app
from flask.cli import ScriptInfo

from homeroom.auth.keys import signing_keys
from homeroom.cli.address import DEFAULT_ADDRESS, check_api, remember_address
from homeroom.cli.links import join_link
from homeroom.config import (
    LOCAL_PORTS,
    Config,
    Environment,
    current_config,
    load_config,
    local_origins,
    misspelt_settings,
)
from homeroom.data.database import db
from homeroom.data.errors import Conflict
from homeroom.migrations.pending import pending_migrations
from homeroom.operations.health import database_is_current
from homeroom.users.creation import count_users, find_unjoined_admin, make_first_admin


@click.command("prepare")
@click.option(
    "--site",
    default=DEFAULT_ADDRESS,
    show_default=True,
    metavar="URL",
    callback=lambda _context, _option, value: check_api(value),
    help="The site's address, for the one-time link.",
)
@click.option(
    "--compatible-only",
    is_flag=True,
    help="Reject migrations that the previous version can't run with.",
)
@click.pass_context
def prepare(context: click.Context, site: str, compatible_only: bool) -> None:
    """Create what is missing (secret key, tables, first admin), and show how to sign in.

    Containers and services run this before `homeroom serve`, several at once if need be. It changes nothing
    that exists, and loads no demo class.
    """
    tell_unknown_settings()
    # Production makes no key up when it serves, but whoever prepares asks for one.
    signing_keys(load_config(homeroom_env=Environment.DEVELOPMENT))
    with context.ensure_object(ScriptInfo).load_app().app_context():
        if compatible_only:
            _refuse_incompatible_migrations()
        migrate_if_needed()
        make_admin_if_nobody()
        greet(site, current_config())
        db.engine.dispose()


def _refuse_incompatible_migrations() -> None:
    with db.engine.connect() as connection:
        pending = pending_migrations(connection, f"{current_app.root_path}/migrations")
    incompatible = [migration.name for migration in pending if not migration.backward_compatible]
    if incompatible:
        raise click.ClickException(
            f"The version that serves now could not live with {', '.join(incompatible)}. "
            "Update with `homeroom deploy update --maintenance`, which stops it first."
        )


def migrate_if_needed() -> None:
    """Bring the tables up to date; of two at once the second waits and finds nothing to do."""
    if not database_is_current():
        click.echo("Preparing the database …")
        flask_migrate.upgrade()


def make_admin_if_nobody() -> bool:
    """Make the first account on an empty site; whether it was this call that did."""
    if count_users(db.session()) > 0:
        return False
    try:
        make_first_admin()
    except Conflict:
        # Another start made it a moment ago.
        return False
    return True


def greet(address: str, config: Config) -> None:
    """Note and print where the site is, and the one-time link as long as no admin has a password."""
    remember_address(address, config)
    click.echo(f"\n  Homeroom is at      {address}/")
    admin = find_unjoined_admin(db.session())
    if admin is None:
        click.echo(f"  Sign in at          {address}/login/")
    else:
        click.echo(f"  First sign-in       {join_link(admin.id, address)}")
        click.echo(
            f"                      (works once, for the admin “{admin.uid}”; choose a password there)"
        )
    click.echo(f"  Pages may ask from  {_pages(config)}\n")


def _pages(config: Config) -> str:
    """Whose pages may ask, which is the first thing that a student's own page fails at."""
    if config.frontend_origins != local_origins(Environment.DEVELOPMENT):
        return ", ".join(config.frontend_origins) or "here only (FRONTEND_ORIGINS)"
    ports = ", ".join(str(port) for port in sorted(LOCAL_PORTS))
    return f"localhost and 127.0.0.1 at {ports} (FRONTEND_ORIGINS)"


def tell_unknown_settings() -> None:
    """Name variables that look like settings and are none: a misspelt one would do nothing, silently."""
    for name, meant in misspelt_settings().items():
        hint = f"; {meant} is one" if meant else "; docs/reference/settings.md lists them all"
        click.echo(f"{name} isn't a setting and has no effect{hint}.", err=True)
