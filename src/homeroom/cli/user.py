"""`homeroom user`: accounts by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from homeroom.auth.join_codes import issue_code
from homeroom.auth.locking import lock_users
from homeroom.auth.models import Role, User
from homeroom.auth.sessions import find_by_uid
from homeroom.cli.address import site_option
from homeroom.cli.links import join_link
from homeroom.data.errors import Refused
from homeroom.data.transactions import write_transaction
from homeroom.users.creation import create_user
from homeroom.users.fields import clean_name, clean_uid
from homeroom.users.schemas import NewUser
from homeroom.users.services import give_role

_AS_ROLE = {Role.USER: "a user", Role.TEACHER: "a teacher", Role.ADMIN: "an admin"}


@click.group("user")
def user() -> None:
    """Create accounts, print one-time links, and give roles."""


@user.command("create")
@click.argument("uid")
@click.option("--name", required=True, help="The person's name.")
@click.option(
    "--role",
    default=Role.USER.value,
    show_default=True,
    type=click.Choice([role.value for role in Role]),
    help="The person's role in the class.",
)
@site_option
@with_appcontext
def create(uid: str, name: str, role: str, site: str) -> None:
    """Create the account UID and print its one-time link."""
    with _refusals_in_one_line():
        new = NewUser.model_validate({"uid": clean_uid(uid), "name": clean_name(name), "role": role})
        made = create_user(new)
    click.echo(f"Made {made.role} {made.uid} ({made.name}). One-time link to set a password:")
    click.echo(join_link(made.id, site))


@user.command("code")
@click.argument("uid")
@site_option
@with_appcontext
def code(uid: str, site: str) -> None:
    """Print a new one-time link for UID, to set a first or a forgotten password."""
    with write_transaction() as session:
        found = _locked(session, uid)
        issue_code(session, found)
    click.echo(join_link(found.id, site))


@user.command("role")
@click.argument("uid")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@with_appcontext
def role(uid: str, role: str) -> None:
    """Give UID a role."""
    with _refusals_in_one_line(), write_transaction() as session:
        found = _locked(session, uid, and_admins=True)
        give_role(session, found, Role(role))
        click.echo(f"{found.name} ({found.uid}) is now {_AS_ROLE[found.role]}.")


@user.command("admit")
@click.argument("uid")
@with_appcontext
def admit(uid: str) -> None:
    """Approve the pending account UID."""
    with write_transaction() as session:
        found = _locked(session, uid)
        found.pending = False
        click.echo(f"{found.name} ({found.uid}) can now use the site.")


@contextmanager
def _refusals_in_one_line() -> Iterator[None]:
    """What the API would refuse with a status, the command line refuses with a line and status 1."""
    try:
        yield
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except Refused as error:
        raise click.ClickException(error.detail) from None


def _locked(session: Session, uid: str, *, and_admins: bool = False) -> User:
    """The user with an ID, locked until the unit ends."""
    found = find_by_uid(session, uid)
    locked = {} if found is None else lock_users(session, [found.id], and_admins=and_admins)
    if found is None or found.id not in locked:
        raise click.ClickException(f"No user has the ID {uid!r}.")
    return locked[found.id]
