"""What the values of settings must be. Each check says what is wrong; the setting's name goes before it."""

import re
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

# HS256 wants a key at least as long as its digest: RFC 7518, section 3.2.
MIN_KEY_BYTES = 32
MAKE_KEY = "`homeroom secret-key` prints a good one"
_HOST_NAME = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


def split_url(text: str) -> SplitResult:
    """An address taken apart; all parts are empty where it can't be, like `http://[::1`."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def check_key(key: str) -> str:
    """A key that signs tokens: long enough, and no placeholder.

    Raises:
        ValueError: it is shorter than 32 bytes or repeats a few characters.
    """
    if len(key.encode()) < MIN_KEY_BYTES:
        raise ValueError(f"is weak: it needs at least {MIN_KEY_BYTES} bytes; {MAKE_KEY}")
    if len(set(key)) < 10:
        raise ValueError(f"is weak: it repeats a few characters; {MAKE_KEY}")
    return key


def check_origin(origin: str) -> str:
    """An origin as a browser sends it (RFC 6454): scheme, host, port if unusual, nothing after.

    Raises:
        ValueError: it is `*`, has a path, or is no http(s) address.
    """
    if "*" in origin:
        raise ValueError(
            "may not hold '*': answers carry credentials, so name each origin, like https://someone.github.io"
        )
    parts = split_url(origin)
    named = _HOST_NAME.fullmatch(parts.netloc.lower())
    if parts.scheme not in ("http", "https") or not named or int(named["port"] or 1) not in range(1, 65536):
        raise ValueError(f"{origin!r} isn't an origin. Write it like https://someone.github.io")
    if parts.path or parts.query or parts.fragment:
        raise ValueError(
            f"{origin!r} has a path; an origin ends after the host and port: {parts.scheme}://{parts.netloc}"
        )
    return origin.lower()


def check_place(url: str, default: str) -> str:
    """The address of a folder or of a bucket; nothing means the default.

    Raises:
        ValueError: it is neither, or holds a key.
    """
    if not url:
        return url
    parts = split_url(url)
    if parts.scheme not in ("file", "s3") or (parts.scheme == "s3" and not parts.hostname):
        raise ValueError(f"must begin with file:///folder or s3://bucket, or be left out for {default}")
    if parts.username is not None:
        raise ValueError("can't contain a key. Put it into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return url


def parse_keep(schedule: str) -> dict[str, int]:
    """How many days, weeks and months keep an archive each; empty: all archives are kept.

    Raises:
        ValueError: it is no schedule.
    """
    if schedule == "all":
        return {}
    counts: dict[str, int] = {}
    for part in schedule.split(","):
        match = re.fullmatch(r"\s*(daily|weekly|monthly)\s*=\s*([0-9]{1,4})\s*", part)
        if match is None or match[1] in counts:
            raise ValueError("isn't a schedule. Write it like daily=7,weekly=4,monthly=12, or all")
        counts[match[1]] = int(match[2])
    return counts


def check_database(url: str) -> str:
    """The address of a database of a kind that Homeroom knows; nothing means the default.

    Raises:
        ValueError: it is none.
    """
    if not url:
        return url
    try:
        parts = make_url(url)
        backend, name = parts.get_backend_name(), parts.database
    except (ArgumentError, ValueError):
        backend, name = "", None
    if backend == "sqlite" and name in (None, "", ":memory:"):
        raise ValueError("names no file. Write it like sqlite:////folder/homeroom.db")
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise ValueError(
            "isn't a database address. Write it like postgresql://user:password@host/name "
            "or sqlite:////folder/homeroom.db"
        )
    return url


def check_recipients(recipients: tuple[str, ...]) -> tuple[str, ...]:
    """Public keys of age.

    Raises:
        ValueError: one is none.
    """
    for recipient in recipients:
        # Never repeated in the text: somebody may have put the secret half here.
        if not re.fullmatch(r"age1[02-9ac-hj-np-z]{58}", recipient):
            raise ValueError("contains no age public key; one begins with age1 (`age-keygen` prints it)")
    return recipients


def check_cookie_name(name: str) -> str:
    """A token of RFC 2616, as RFC 6265 wants it in section 4.1.1.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name):
        raise ValueError("may hold letters, digits and -._ only, like jwt")
    return name


def check_zone(name: str) -> str:
    """A time zone by its IANA name.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} isn't a time zone. Write it like America/Los_Angeles") from None
    return name
