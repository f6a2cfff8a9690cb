"""How long a picture waits in all: for a place at the gate and in the queue, and for its turn."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from flask import has_request_context, request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Pages without a retry of their own give up after half a minute or so.
WAIT_S = 20.0
_WAITED = "homeroom.waited_s"


def wait_left() -> float:
    """Seconds that this request may still wait; its bytes' way takes none of them."""
    return max(0.0, WAIT_S - request.environ.get(_WAITED, 0.0)) if has_request_context() else WAIT_S


@contextmanager
def holding(place: AbstractContextManager[object], environ: "WSGIEnvironment") -> Iterator[None]:
    """Hold a place; the time until it is there counts as waited by the request of an environment."""
    started = time.monotonic()
    with place:
        environ[_WAITED] = environ.get(_WAITED, 0.0) + time.monotonic() - started
        yield
