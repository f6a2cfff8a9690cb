"""Known devices: a long-lived, signed cookie that a successful sign-in leaves in the browser.

Whoever has it guesses against a limit of their own, so that nobody else's guesses lock them out; it signs
nobody in. https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from homeroom.auth.keys import current_keys

COOKIE = "homeroom_device"
LIFETIME_DAYS = 365
# A cart of tablets goes through many hands; the cookie stays small.
MAX_PEOPLE = 5
MAX_COOKIES = 3

_ENTRY = re.compile(r"([1-9][0-9]{0,17})-([0-9a-f]{16})-([0-9a-f]{32})")


def joined(cookies: Sequence[str]) -> str:
    """All that a browser sent as one: a stale cookie of another path may come before the good one."""
    return ".".join(cookies[:MAX_COOKIES])


def known_device(cookie: str, user_id: int) -> str | None:
    """The name of the device, if this user signed in on it before; None: it is not known."""
    return next((nonce for owner, nonce in _entries(cookie) if owner == user_id), None)


def remember_device(cookie: str, user_id: int) -> str:
    """The cookie with this user in front; whoever signed in longest ago is forgotten."""
    others = [(owner, nonce) for owner, nonce in _entries(cookie) if owner != user_id]
    nonce = known_device(cookie, user_id) or secrets.token_hex(8)
    entries = [(user_id, nonce), *others][:MAX_PEOPLE]
    key = current_keys()[0]
    return ".".join(f"{owner}-{name}-{_sign(key, owner, name)}" for owner, name in entries)


def _entries(cookie: str) -> list[tuple[int, str]]:
    """What the cookie says and one of our keys signed."""
    found = []
    for text in cookie.split(".")[: MAX_PEOPLE * MAX_COOKIES]:
        match = _ENTRY.fullmatch(text)
        if match is None:
            continue
        owner, nonce = int(match[1]), match[2]
        if any(hmac.compare_digest(_sign(key, owner, nonce), match[3]) for key in current_keys()):
            found.append((owner, nonce))
    return found


def _sign(key: str, user_id: int, nonce: str) -> str:
    signed = b"known-device\x00" + f"{user_id}\x00{nonce}".encode()
    return hmac.digest(key.encode(), signed, hashlib.sha256).hex()[:32]
