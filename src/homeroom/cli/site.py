"""`homeroom site`: the static site on an origin of its own, as GitHub Pages serves it."""

import errno
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from werkzeug.serving import make_server

from homeroom.cli.address import DEFAULT_ADDRESS, check_api, is_local, noted_address, remembered_address
from homeroom.cli.language_option import language_option
from homeroom.web.pages import LOCAL_API_ORIGINS, create_site
from homeroom.web.site_export import export_site
from homeroom.web.site_templates import SITE
from homeroom.web.site_texts import DEFAULT_LANGUAGE, language_names

# The port at which config.js itself looks for the API on 8086; on others it must be told.
SITE_PORT = 4100


@click.group("site")
def site() -> None:
    """Serve or export the static pages for a second origin."""


@site.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=SITE_PORT,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port to listen on.",
)
@click.option(
    "--api",
    metavar="URL",
    callback=lambda _context, _option, value: check_api(value),
    help="Origin of the API, such as https://class.example.org  [default: the site on this machine]",
)
def serve(host: str, port: int, api: str | None) -> None:
    """Serve only the pages; the API runs elsewhere, as with GitHub Pages."""
    api = api or _local_api(port)
    app = create_site(api=api, api_origins=() if api else LOCAL_API_ORIGINS)
    with listen(host, port) as listener:
        server = make_server(host, port, app, threaded=True, fd=listener.fileno())
        _say_where(host, port, api)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.")
        finally:
            server.server_close()


def _local_api(port: int) -> str | None:
    """Where the pages must be told to ask; None: where config.js looks by itself."""
    running = remembered_address()
    if is_local(running) and running != DEFAULT_ADDRESS:
        return running
    return None if port == SITE_PORT else LOCAL_API_ORIGINS[0]


@site.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--api",
    metavar="URL",
    required=True,
    callback=lambda _context, _option, value: check_api(value),
    help="Origin of the API, such as https://class.example.org",
)
@click.option(
    "--base",
    metavar="PATH",
    default="",
    callback=lambda _context, _option, value: _check_base(value),
    help="Path of the pages on their host, such as /repo for someone.github.io/repo",
)
@language_option(
    "the pages", default=DEFAULT_LANGUAGE, known=lambda: language_names(SITE), unknown="The site has no"
)
@click.option("--force", is_flag=True, help="Write into a folder that isn't empty.")
def export(folder: Path, api: str, base: str, language: str, force: bool) -> None:
    """Write the pages into DIR, ready for GitHub Pages or any web server."""
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise click.ClickException(
            f"{folder} isn't empty. Choose another folder, or add --force to overwrite the site's files."
        )
    try:
        export_site(folder, api=api, base=base, language=language)
    except OSError as error:
        raise click.ClickException(f"Couldn't write to {folder}: {error.strerror}.") from None
    click.echo(f"The site is in {folder} and asks the API at {api}.")
    click.echo(
        "Add the origin of these pages to the API's FRONTEND_ORIGINS, such as https://someone.github.io"
    )


def _check_base(path: str) -> str:
    """The --base option: empty, or a path with a slash before it and none behind."""
    base = path.rstrip("/")
    if base and (not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)+", base) or {".", ".."} & set(base.split("/"))):
        raise click.BadParameter(f"{path!r} isn't a path. Write it like /repo")
    return base


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, opened here so that a taken port is told in our words.

    Raises:
        click.ClickException: the port is taken, reserved, or not on this machine.
    """
    with _listening(host, port):
        return socket.create_server((host, port), family=_family(host), backlog=128)


def reserve(host: str, port: int) -> socket.socket:
    """The port for this program's workers until the socket is closed: it is bound, and never listens.

    Without it another program may have the port while workers start, and they would try again for ever.

    Raises:
        click.ClickException: the port is taken, reserved, or not on this machine.
    """
    # Workers of another server may share their port with ours, and would share people's requests too.
    listen(host, port).close()
    reserved = socket.socket(_family(host))
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        reserved.setsockopt(socket.SOL_SOCKET, option, 1)
    with _listening(host, port):
        reserved.bind((host, port))
    # Set, it let us have a port on which old connections linger; kept, it would let others have ours.
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return reserved


@contextmanager
def _listening(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: _taken(host, port),
            errno.EACCES: f"Port {port} is reserved for the system. Choose one above 1023.",
            errno.EADDRNOTAVAIL: f"{host} isn't an address of this machine. Try --host 127.0.0.1.",
        }
        reason = reasons.get(error.errno or 0, f"Couldn't listen on {host}:{port}: {error.strerror}.")
        raise click.ClickException(reason) from None


def _taken(host: str, port: int) -> str:
    address, another = f"http://{named_host(host)}:{port}", f"--port {port + 1}, or make run PORT={port + 1}."
    if noted_address() == address:
        return f"This site seems to be running already. Open {address}/, or choose another port: {another}"
    return f"Port {port} is used by another program. Stop it, or choose another port: {another}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _say_where(host: str, port: int, api: str | None) -> None:
    """The address to open, and what the API must know for the pages to reach it."""
    origin = f"http://{named_host(host)}:{port}"
    click.echo(f"The site is at {origin}/ and asks the API at {api or LOCAL_API_ORIGINS[0]}.")
    if port != SITE_PORT:
        click.echo(f"The API's FRONTEND_ORIGINS must contain {origin}.")
    click.echo("Press Ctrl+C to stop.")


def named_host(host: str) -> str:
    """A listening address as it is typed into a browser on this machine."""
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host  # noqa: S104  compared only
    return f"[{name}]" if ":" in name else name
