"""Addresses that people put on their pages: the web's, and nothing that runs."""

from urllib.parse import urlsplit

from homeroom.translations.messages import MessageError

MAX_ADDRESS_LENGTH = 500


def is_web_address(address: str) -> bool:
    """Whether an address is http(s) with a host; `javascript:` and its kin are not."""
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def check_address(address: str) -> str:
    """An address that a page may link to.

    Raises:
        ValueError: it is none of the web's, or names a host that nobody else could find.
    """
    address = address.strip()
    readable = address.isprintable() and " " not in address
    if not is_web_address(address) or not readable or not _has_public_name(address):
        raise MessageError("A link must be a web address, such as https://example.org/page.")
    return address


def _has_public_name(address: str) -> bool:
    """Whether a host is a name in a domain, or an address; a single word is a slip, or this machine."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    return ":" in host or all(host.partition("."))
