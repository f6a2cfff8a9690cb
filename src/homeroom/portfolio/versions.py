"""A project's version in its entity tag: a number that every change raises; comparing costs nothing."""

import hashlib
from typing import Any

import msgspec
from flask import request
from werkzeug.exceptions import PreconditionFailed


def entity_tag(version: int, *parts: Any) -> str:
    """The version and, behind the dash, what else an answer shows: a new portrait is no change of it."""
    return f"{version}-{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]}"


def known_versions() -> frozenset[str] | None:
    """The versions that `If-Match` names; None: any will do.

    A proxy that compresses makes tags weak (`W/`); the number is the same. What cannot be read names no
    version, and so matches none: RFC 9110, section 13.1.1.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return frozenset(tag.partition("-")[0] for tag in request.if_match.as_set(include_weak=True))


def require_version(version: int, known: frozenset[str] | None) -> None:
    """Let only those change something who know its present version.

    Raises:
        PreconditionFailed: somebody else changed it meanwhile (412).
    """
    if known is not None and str(version) not in known:
        raise PreconditionFailed("This project was changed meanwhile; load it again.")
