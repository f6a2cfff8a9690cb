"""A project's version in its entity tag: a number that every change raises; comparing costs nothing."""

import hashlib
from typing import Any

import msgspec

from homeroom.data.errors import Outdated


def entity_tag(version: int, *parts: Any) -> str:
    """The version and, behind the dash, what else an answer shows: a new portrait is no change of it."""
    return f"{version}-{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]}"


def require_version(version: int, known: frozenset[str] | None) -> None:
    """Let only those change something who know its present version.

    Raises:
        Outdated: somebody else changed it meanwhile (412).
    """
    if known is not None and str(version) not in known:
        raise Outdated("Someone else has changed this project. Reload it and try again.")
