"""Requests of signed-in people, to be sent by turns."""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice

from harness.load import Request

JSON = {"Content-Type": "application/json"}


def renames(callers: Sequence[Mapping[str, str]]) -> list[Request]:
    """Each renames themselves in Homeroom."""
    return name_changes([Request("/api/user", headers, "PUT") for headers in callers])


def name_changes(senders: Sequence[Request]) -> list[Request]:
    """Each sends one name and then another: every write changes a row."""
    return [
        Request(
            sender.path,
            {**sender.headers, **JSON},
            sender.method,
            f'{{"name": "{name} {number}"}}',
            sender.status,
        )
        for name in ("Once", "Again")
        for number, sender in enumerate(senders)
    ]


def mostly_reads(
    reads: Sequence[Request], writes: Sequence[Request], *, reads_per_write: int
) -> list[Request]:
    """So many reads for each write; the readers take turns, so that each asks for what was changed last."""
    readers = cycle(reads)
    mixed: list[Request] = []
    for write in writes:
        mixed += [*islice(readers, reads_per_write), write]
    return mixed
