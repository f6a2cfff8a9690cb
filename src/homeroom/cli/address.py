"""Where the site is: what `homeroom run` and `homeroom prepare` were told, for commands that print links."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

from homeroom.config import Config, load_config
from homeroom.config.checks import check_origin
from homeroom.data.files import make_folder, replace_file

DEFAULT_ADDRESS = "http://localhost:8086"


def remember_address(address: str, config: Config) -> None:
    """Note the site's address beside its data."""
    try:
        make_folder(config.instance_path)
        replace_file(_file(config), f"{address}\n".encode(), mode=0o644)
    except OSError:
        # Data may be elsewhere and the folder read-only; links then need `--site`, as the option says.
        return


def noted_address() -> str | None:
    """The address that was noted last; None: this site never started."""
    try:
        return check_origin(_file(load_config()).read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None


def remembered_address() -> str:
    """The same; a site that never started is expected where `homeroom run` serves."""
    return noted_address() or DEFAULT_ADDRESS


def is_local(address: str) -> bool:
    """Whether only this machine can open an address."""
    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")


@contextmanager
def remembering(config: Config) -> Iterator[None]:
    """A server's run: the address of another one of the same site that still runs is noted again after it."""
    before = remembered_address()
    try:
        yield
    finally:
        if before != remembered_address() and is_local(before) and _somebody_listens(before):
            remember_address(before, config)


def _somebody_listens(address: str) -> bool:
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def _file(config: Config) -> Path:
    return config.instance_path / "address"


def check_api(url: str | None) -> str | None:
    """The --api option as an origin; a slash at its end is forgiven."""
    if url is None:
        return None
    try:
        return check_origin(url.rstrip("/"))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


site_option = click.option(
    "--site",
    default=remembered_address,
    show_default=f"where it was started last, else {DEFAULT_ADDRESS}",
    metavar="URL",
    callback=lambda _context, _option, value: check_api(value),
    help="The site's address, for the link.",
)
