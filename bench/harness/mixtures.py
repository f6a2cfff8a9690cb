"""Requests of signed-in people, to be sent by turns."""

from collections.abc import Mapping, Sequence

from harness.homeroom import LIST
from harness.load import Request


def renames(callers: Sequence[Mapping[str, str]]) -> list[Request]:
    """Each renames themselves, to one name and then to another: every write changes a row."""
    senders = [{**headers, "Content-Type": "application/json"} for headers in callers]
    return [
        Request("/api/user", headers, "PUT", f'{{"name": "{name} {number}"}}')
        for name in ("Once", "Again")
        for number, headers in enumerate(senders)
    ]


def mostly_reads(callers: Sequence[Mapping[str, str]], *, reads_per_write: int) -> list[Request]:
    """The list read so many times for each rename, all by turns."""
    mixed = []
    for number, write in enumerate(renames(callers)):
        reader = callers[number % len(callers)]
        mixed += [Request(LIST, reader)] * reads_per_write
        mixed.append(write)
    return mixed
