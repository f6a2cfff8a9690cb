"""`homeroom run` and `homeroom serve`: prepare what is needed, then answer requests."""

import os
import signal
import socket

import click
from flask.cli import ScriptInfo
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from homeroom.cli.address import is_local, remember_address, remembered_address, remembering
from homeroom.cli.links import site_address
from homeroom.cli.prepare import greet, make_admin_if_nobody, migrate_if_needed, tell_unknown_settings
from homeroom.cli.presence import require_site
from homeroom.cli.site import reserve
from homeroom.cli.supervision import SupervisedServer, load_app
from homeroom.cli.threads import THREADS_PER_WORKER, workers_of_this_machine
from homeroom.config import MIN_CONNECTIONS, Config, current_config, load_config, usable_cores
from homeroom.data.database import connections_allowed, db
from homeroom.data.heartbeat import beat
from homeroom.roster.demo import load_demo_class
from homeroom.web.logs import logging_config

PORT = 8086
# From the first byte of a request to the last one of its head, and between two requests of a connection.
HEAD_TIMEOUT_MS = 15_000
# What a worker may take to end its requests; systemd would end all after 30 s (deploy/systemd).
STOP_TIMEOUT_S = 25
_host = click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=lambda _context, _option, value: _address_of(value),
    help="Address to listen on.",
)
_port = click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port to listen on.",
)
_workers = click.option(
    "--workers",
    default=workers_of_this_machine,
    show_default="one for each core, at most 4, within the memory",
    type=click.IntRange(1, 64),
    help="Number of worker processes.",
)


def _address_of(host: str) -> str:
    """The --host option as an address, which is all that the server itself takes."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise click.BadParameter(f"{host!r} isn't an address of this machine. Try 127.0.0.1") from None


@click.command("serve")
@_host
@_port
@_workers
def serve(host: str, port: int, workers: int) -> None:
    """Serve the site; the database must be ready (`homeroom db upgrade`)."""
    tell_unknown_settings()
    config = load_config()
    require_site(config)
    with reserve(host, port), remembering(config):
        # Who prepared it said where the public finds it; without that, it is here.
        if is_local(remembered_address()):
            remember_address(site_address(host, port), config)
        _serve(config, host, port, workers)


@click.command("run")
@_host
@_port
@_workers
@click.pass_context
def run(context: click.Context, host: str, port: int, workers: int) -> None:
    """Set up what is missing, show how to sign in, and serve the site.

    Creates the secret key and the database, and loads a demo class into an empty site.
    """
    # Before anything is said or made: a port that is taken is a site that is not there.
    # Until the server listens to signals, Ctrl+C ends this at once and without a traceback of whatever it was
    # in: what is half written then, the database takes back.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    tell_unknown_settings()
    with reserve(host, port), remembering(load_config()):
        config = _prepare(context, site_address(host, port))
        _serve(config, host, port, workers)


def _prepare(context: click.Context, address: str) -> Config:
    # Nothing of this context outlives it: a transaction that the parent left open would keep SQLite from ever
    # checkpointing its log, and PostgreSQL from cleaning up.
    with context.ensure_object(ScriptInfo).load_app().app_context():
        config = current_config()
        _prepare_database()
        greet(address, config)
        db.session.remove()
        db.engine.dispose()
    return config


def _prepare_database() -> None:
    migrate_if_needed()
    # A database that can only be read would say so at the first sign-in, to somebody who cannot help it.
    beat()
    if make_admin_if_nobody():
        students = load_demo_class()
        click.echo(
            f"Loaded a demo class of {students} (IDs beginning with demo-); "
            "to remove it, run `homeroom demo remove`."
        )


def _serve(config: Config, host: str, port: int, workers: int) -> None:
    # More hashes at once than cores would not be done sooner, and would take more memory.
    os.environ.setdefault("HASHES_AT_ONCE", str(max(1, usable_cores() // workers)))
    _fit_connections(config, workers)
    server = SupervisedServer(
        "homeroom.cli.worker:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS_PER_WORKER,
        workers_kill_timeout=STOP_TIMEOUT_S,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_TIMEOUT_MS),
        log_level=LogLevels.warning,
        log_dictconfig=logging_config(config),
    )
    server.serve(target_loader=load_app, wrap_loader=False)


def _fit_connections(config: Config, workers: int) -> None:
    """Share what PostgreSQL allows among the workers; the setting, where there is one, is held to it.

    Raises:
        click.ClickException: the setting asks for more than the server has.
    """
    allowed = connections_allowed(config.database)
    if allowed is None or workers * config.database_connections <= allowed:
        return
    if "database_connections" in config.model_fields_set:
        raise click.ClickException(
            f"DATABASE_CONNECTIONS={config.database_connections} for each of {workers} workers is more than "
            f"the {allowed} that PostgreSQL allows. Lower it, or raise max_connections there."
        )
    os.environ["DATABASE_CONNECTIONS"] = str(max(MIN_CONNECTIONS, allowed // workers))
