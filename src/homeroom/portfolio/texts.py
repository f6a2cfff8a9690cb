"""A project's text as a tree: made once, when it is saved, and kept beside it as JSON."""

import hashlib
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from homeroom.data.errors import TooMany, Unavailable, reject_field
from homeroom.data.transactions import give_connection_back
from homeroom.portfolio.markdown import (
    RENDERER_VERSION,
    Node,
    TooMuchError,
    plain_text,
    render_markdown,
)
from homeroom.portfolio.reading_time import current_reading_times
from homeroom.uploads.turns import FairQueue, in_turn

# Reading a text takes the processor for up to a quarter of a second, and megabytes for a moment: one at a
# time in a process, and one person's after the other, so that somebody who sends many slows nobody else.
_MAX_WAITING = 48
# Twelve at once of one person are saved as any; who sends without end leaves as many waits to others.
_MAX_WAITING_OF_ONE = 24
_turns = FairQueue(1, _MAX_WAITING, most_of_one=_MAX_WAITING_OF_ONE)
_TURN_WAIT_S = 10
_RETRY_S = 5
# Whoever looks at a text that was saved before its tree was kept; none has this id.
_GUESTS = 0
# Of texts that were saved before their trees were kept: at most 32 times a text and its tree, 11 MB.
_MAX_REMEMBERED = 32


@dataclass(frozen=True)
class Tree:
    """The nodes of a text as JSON, and of what: the renderer's version and the text's digest."""

    json: str
    source: str


def source_of(text: str) -> str:
    """What a kept tree must have been made of to be shown with a text."""
    return f"{RENDERER_VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:48]}"


def read_text(text: str, *, reader: int) -> Tree:
    """The tree of a text that somebody, the user `reader`, sent as `body`, made while no connection is held.

    Raises:
        InvalidFields: it unfolds to more than is taken (422).
        TooMany: their texts have kept the processor for very long (429).
        Unavailable: too many texts wait to be read (503).
    """
    times = current_reading_times()
    if wait_s := times.wait_s(reader):
        raise TooMany(
            "Your texts take a long time to process. Try again in a few seconds.", retry_after_s=wait_s
        )
    with _turn(reader):
        began = time.thread_time()
        try:
            return Tree(_json(render_markdown(text)).decode(), source_of(text))
        except TooMuchError as error:
            reject_field("#/body", error.message)
        finally:
            times.note(reader, time.thread_time() - began)


def tree_json(text: str, kept: str | None, source: str | None) -> bytes:
    """The tree to show with a saved text: the kept one, if it was made of this text by this renderer.

    Others were saved by an older version of the program. Reading must not write, so their trees are
    remembered, and kept when the project is saved again. What is more than is taken now is shown as it
    was written.

    Raises:
        Unavailable: too many texts wait to be read (503).
    """
    if kept is not None and source == source_of(text):
        return kept.encode()
    return _remembered(text)


@lru_cache(maxsize=_MAX_REMEMBERED)
def _remembered(text: str) -> bytes:
    with _turn(_GUESTS):
        try:
            return _json(render_markdown(text))
        except TooMuchError:
            return _json(plain_text(text))


def _turn(reader: int) -> AbstractContextManager[None]:
    # Nobody else shall wait for this connection meanwhile.
    give_connection_back()
    busy = Unavailable("Many people are saving texts. Try again in a few seconds.", retry_after_s=_RETRY_S)
    return in_turn(_turns, reader, wait_s=_TURN_WAIT_S, busy=busy)


def _json(nodes: list[Node]) -> bytes:
    return msgspec.json.encode(nodes)
