"""The operations of a class, and how a service is asked for each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import requests

from harness.consumption import Consumption, consumed
from harness.load import Load, Request, load
from harness.mixtures import mostly_reads
from harness.processes import Service, ServiceFailedError
from harness.sequences import Step, load_sequences

CONNECTIONS = 16
# What the series of one operation have behind its name, and their units.
RATE, P50, P99, CPU, MEMORY = "", ": p50", ": p99", ": CPU", ": memory"
UNITS = {RATE: "a second", P50: "ms", P99: "ms", CPU: "CPU s per 1,000", MEMORY: "MB"}


class Operation(StrEnum):
    """What people of a class do, in the order of the table."""

    LIST = "List of 100 people, one caller"
    LIST_BY_TURNS = "List of 100 people, 30 callers by turns"
    MOSTLY_READS = "95 lists and 5 changes of a name, 30 callers"
    OFTEN_WRITES = "80 lists and 20 changes of a name, 30 callers"
    ONE_USER = "Read one person"
    SESSIONS = "List your own sessions"
    CHANGE_NAME = "Change your name"
    USER = "Create and delete a person, with a password"
    PROJECTS = "List 24 projects"
    ONE_PROJECT = "Read a project with three pictures"
    PROJECT = "Create and delete a project"
    UPLOAD = "Upload a 1 MB photograph, with its three sizes made"
    DOWNLOAD = "Download a picture, 1600 pixels wide"
    SIGN_IN = "Sign in"
    REFUSAL = "Refuse an ended session"
    USERS_PAGE = "Open the users page with all its files"


# Where a commit costs enough for its durability to matter.
WRITES = frozenset({Operation.MOSTLY_READS, Operation.OFTEN_WRITES, Operation.CHANGE_NAME, Operation.PROJECT})


@dataclass(frozen=True)
class Work:
    """How a service is asked for an operation: one request, or several that depend on each other."""

    requests: Sequence[Request] = ()
    sequences: Sequence[Sequence[Step]] = ()
    # How long the right answer is, where all are equally long.
    answer_bytes: int | None = None

    def apply(self, service: Service, seconds: float) -> Load:
        """A load of it.

        Raises:
            UnmeasurableError: an answer was wrong.
        """
        if self.sequences:
            return load_sequences(service, self.sequences, seconds=seconds, connections=CONNECTIONS)
        return load(
            service,
            seconds=seconds,
            connections=CONNECTIONS,
            requests=self.requests,
            answer_bytes=self.answer_bytes,
        )


@dataclass(frozen=True)
class Side:
    """A service with the class in it: how it is asked for what it has, and why the rest is missing."""

    service: Service
    works: Mapping[Operation, Work]
    absent: Mapping[Operation, str] = field(default_factory=dict)


def lists_and_renames(
    service: Service, reads: Sequence[Request], writes: Sequence[Request], uids: set[str]
) -> dict[Operation, Work]:
    """The list of everybody, for the last of its readers and by turns, alone and beside changes of names.

    Raises:
        ServiceFailedError: it doesn't show everybody.
    """
    return {
        Operation.LIST: list_of(service, reads[-1:], uids),
        Operation.LIST_BY_TURNS: list_of(service, reads, uids),
        Operation.MOSTLY_READS: Work(mostly_reads(reads, writes, reads_per_write=19)),
        Operation.OFTEN_WRITES: Work(mostly_reads(reads, writes, reads_per_write=4)),
        Operation.CHANGE_NAME: Work(writes),
    }


def series_name(operation: Operation, side: str, figure: str = RATE) -> str:
    """What the series of a cell is called."""
    return f"{operation}, {side}{figure}"


def probe(side: Side, operation: Operation, seconds: float) -> Callable[[], dict[str, float]]:
    """A round of an operation: its figures by the ends of their series' names."""
    work = side.works[operation]

    def measure() -> dict[str, float]:
        told, taken = consumed(side.service, lambda: work.apply(side.service, seconds))
        return figures(told, taken)

    return measure


def figures(told: Load, taken: Consumption) -> dict[str, float]:
    """What a load came to, by the ends of the series' names."""
    return {
        RATE: told.requests_per_s,
        P50: told.p50_ms,
        P99: told.p99_ms,
        CPU: taken.cpu_s * 1000 / told.requests,
        MEMORY: taken.peak_mb,
    }


def one(service: Service, request: Request) -> Work:
    """The same request by all connections; its answer is looked at first.

    Raises:
        ServiceFailedError: it isn't the right one.
    """
    answer = requests.request(
        request.method,
        service.address + request.path,
        headers={**request.headers, "Accept-Encoding": "identity"},
        data=request.body.encode() or None,
        timeout=30,
    )
    if answer.status_code != request.status:
        raise ServiceFailedError(f"{service.name} answered {answer.status_code} to {request.path}")
    return Work([request], answer_bytes=len(answer.content))


def list_of(service: Service, readers: Sequence[Request], uids: set[str]) -> Work:
    """The directory, read by these callers in turn; it shows everybody.

    Raises:
        ServiceFailedError: it doesn't.
    """
    first = readers[0]
    answer = requests.get(service.address + first.path, headers=dict(first.headers), timeout=30).json()
    rows = answer["items"] if isinstance(answer, dict) else answer
    if {row["uid"] for row in rows} != uids:
        raise ServiceFailedError(f"{service.name} did not list everybody")
    return Work(readers, answer_bytes=one(service, first).answer_bytes)
