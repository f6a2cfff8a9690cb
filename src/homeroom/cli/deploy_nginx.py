"""`homeroom deploy nginx`: print the configuration that puts the site behind Nginx."""

from pathlib import Path

import click

from homeroom.cli.checked import checked
from homeroom.cli.env_file import read_env_file
from homeroom.config import load_config
from homeroom.config.checks import check_origin
from homeroom.operations.deploy.nginx import (
    NginxSite,
    check_address,
    check_domain,
    check_upstream,
    render_nginx,
)

_folder = click.Path(file_okay=False, path_type=Path)
_port = click.IntRange(1, 65535)


@click.command("nginx")
@click.option("--domain", required=True, metavar="NAME", callback=checked(check_domain))
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    callback=checked(check_origin),
    help="An origin whose pages can use the API. Repeatable.  [default: FRONTEND_ORIGINS]",
)
@click.option("--upstream", default="127.0.0.1:8286", show_default=True, callback=checked(check_upstream))
@click.option(
    "--upstream-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Read the upstream from this file, which `homeroom deploy update` writes.",
)
@click.option("--webroot", type=_folder, default="/var/www/letsencrypt", show_default=True)
@click.option("--certificate-dir", type=_folder, help="[default: /etc/letsencrypt/live/NAME]")
@click.option("--cache-dir", type=_folder, default="/var/lib/nginx/homeroom", show_default=True)
@click.option("--log-dir", type=_folder, default="/var/log/nginx", show_default=True)
@click.option("--address", default="", callback=checked(check_address), help="Listen on this address only.")
@click.option("--http-port", type=_port, default=80, show_default=True)
@click.option("--https-port", type=_port, default=443, show_default=True)
@click.option("--requests-per-second", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--burst", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option("--connections", type=click.IntRange(1, 100_000), default=400, show_default=True)
@click.option("--brotli", is_flag=True, help="Compress with brotli; Nginx needs the module.")
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The service's settings file, instead of this environment.",
)
@click.option(
    "--http-only", is_flag=True, help="Before the first certificate: answer only the certificate authority."
)
def nginx(env_file: Path | None, **options: object) -> None:
    """Print Nginx's configuration for the site at --domain.

    The largest body follows the setting MAX_UPLOAD_BYTES. Limits count per address.
    """
    # What is rendered holds no key, so none is needed: the settings may be those of another machine.
    settings = {name.lower(): value for name, value in read_env_file(env_file).items()}
    config = load_config(**settings | {"homeroom_env": "development"})
    options["origins"] = options["origins"] or config.frontend_origins
    try:
        site = NginxSite(max_body_bytes=config.max_body_bytes, **options)  # type: ignore[arg-type]  # click's
        click.echo(render_nginx(site), nl=False)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
