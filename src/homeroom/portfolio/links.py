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
        ValueError: it is none of the web's.
    """
    address = address.strip()
    if not is_web_address(address) or not address.isprintable() or " " in address:
        raise MessageError("A link must be a web address, such as https://example.org/page.")
    return address
