"""`If-Match`: a change is made to the version that its sender knows; where none is kept, it is refused."""

from collections.abc import Callable
from typing import TypeVar

from apiflask import APIFlask
from flask import current_app, request

from homeroom.data.errors import Outdated

View = TypeVar("View", bound=Callable[..., object])
_COMPARES = "compares_versions"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def compares_versions(view: View) -> View:
    """Mark a view that asks `known_versions`; it stands next to the view, below all other decorators."""
    setattr(view, _COMPARES, True)
    return view


def compares(view: Callable[..., object]) -> bool:
    """Whether a view is marked; decorators above copy its mark (`functools.wraps`)."""
    return getattr(view, _COMPARES, False)


def known_versions() -> frozenset[str] | None:
    """The versions that `If-Match` names; None: any will do.

    A proxy that compresses makes tags weak (`W/`); the number is the same. What cannot be read names no
    version, and so matches none: RFC 9110, section 13.1.1.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    tags = request.if_match.as_set(include_weak=True)
    # An empty tag is None here.
    return frozenset((tag or "").partition("-")[0] for tag in tags)


def init_preconditions(app: APIFlask) -> None:
    """Refuse `If-Match` where it would be ignored: whoever sends it does not want to overwrite."""
    app.before_request(_refuse_what_is_not_compared)


def _refuse_what_is_not_compared() -> None:
    if request.method in _READING or request.endpoint is None or known_versions() is None:
        return
    if not compares(current_app.view_functions[request.endpoint]):
        raise Outdated("This address doesn't support If-Match. Leave the header out.")
