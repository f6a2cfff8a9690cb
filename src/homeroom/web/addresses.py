"""This server's own addresses, as whoever asks knows them."""

import ipaddress
from urllib.parse import urlsplit

from flask import request

from homeroom.config import current_config


def absolute(path: str) -> str:
    """A path of this server with scheme and host before it, where the request's own address is trusted.

    Clients such as `requests` follow no relative `Link`, and a page of another origin would look for it at
    its own. Trusted is what a proxy of ours says, and this machine itself; elsewhere a `Host` header could
    say anything, and the path alone is given.
    """
    trusted = current_config().trusted_proxies > 0 or is_asked_at_loopback()
    return request.host_url.rstrip("/") + path if trusted else path


def is_asked_at_loopback() -> bool:
    """Whether the request names this machine itself as its host."""
    return is_loopback(urlsplit(request.host_url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, which browsers trust without TLS."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
