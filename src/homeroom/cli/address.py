"""Where the site is: what `homeroom run` and `homeroom prepare` were told, for commands that print links."""

from pathlib import Path

import click

from homeroom.cli.site import check_api
from homeroom.config import Config, load_config

DEFAULT_ADDRESS = "http://localhost:8086"


def remember_address(address: str, config: Config) -> None:
    """Note the site's address beside its data."""
    try:
        config.instance_path.mkdir(parents=True, exist_ok=True)
        _file(config).write_text(f"{address}\n", encoding="utf-8")
    except OSError:
        # Data may be elsewhere and the folder read-only; links then need `--site`, as the option says.
        return


def remembered_address() -> str:
    """The address that was noted last; a site that never started is expected where `homeroom run` serves."""
    try:
        return _file(load_config()).read_text(encoding="utf-8").strip() or DEFAULT_ADDRESS
    except (OSError, UnicodeDecodeError):
        return DEFAULT_ADDRESS


def _file(config: Config) -> Path:
    return config.instance_path / "address"


site_option = click.option(
    "--site",
    default=remembered_address,
    show_default=f"where it was started last, else {DEFAULT_ADDRESS}",
    metavar="URL",
    callback=lambda _context, _option, value: check_api(value),
    help="Where the site is, for the link.",
)
