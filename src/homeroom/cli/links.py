"""Addresses that the command line prints: where the site is, and one-time links."""

from homeroom.auth.join_codes import current_code
from homeroom.auth.locking import lock_user
from homeroom.cli.site import named_host
from homeroom.data.transactions import write_transaction


def site_address(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    return f"http://{named_host(host)}:{port}"


def join_link(user_id: int, address: str) -> str:
    """A user's one-time link; the code stands behind the #, so that no server's log gets it."""
    with write_transaction() as session:
        user = lock_user(session, user_id)
        assert user is not None
        code = current_code(session, user)
    return f"{address.rstrip('/')}/join/#code={code}"
