"""`homeroom health`: ask a running server whether it can serve, as a container's health check does."""

import json
import urllib.error
import urllib.request

import click

TIMEOUT_S = 5


@click.command("health")
@click.argument("address", default="http://127.0.0.1:8086", metavar="[URL]")
def health(address: str) -> None:
    """Ask the server at URL whether it can serve; status 1 and its reason if it cannot."""
    if not address.startswith(("http://", "https://")):
        raise click.BadParameter(f"{address!r} is no address; write it like http://127.0.0.1:8086")
    reason = unreadiness(address.rstrip("/"))
    if reason is not None:
        raise click.ClickException(reason)
    click.echo("ok")


def unreadiness(address: str) -> str | None:
    """Why the server at an address cannot serve, or None if it can."""
    # A proxy of the environment has no part in what a machine asks itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{address}/api/health/ready", timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code}: {_detail(error.read())}"
    except OSError as error:
        return f"{address} does not answer: {getattr(error, 'reason', error)}"
    return None


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return "the answer is not one of Homeroom's"
