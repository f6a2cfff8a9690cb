"""Freshness: once a write was answered by any worker, no later answer of any worker shows what was before.

A student renames herself again and again through one worker, while others read the directory through every
worker; each read begins after some write was answered, and must show that write or a later one.
"""

import http.client
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

from harness.claims import Claim, JudgedBy, Series
from harness.homeroom import LIST, caller_headers, homeroom, prepare
from harness.people import make_class
from harness.postgresql import DATABASES, database
from harness.processes import Service, ServiceFailedError
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError

WORKERS = 2
READERS = 4
PEOPLE = make_class()
WRITER = "u050"
_NUMBER = re.compile(rb'"name": ?"Renamed ([0-9]+)"')
# Far above the chance of missing a worker when the system spreads connections over two.
CONNECTION_TRIES = 200


@dataclass
class Race:
    """What the writer was told, and what the readers saw."""

    acknowledged: int = 0
    reads: int = 0
    stale: int = 0
    failures: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)
    counting: Lock = field(default_factory=Lock)

    def saw(self, before: int, shown: int) -> None:
        """One read: the last write answered before it began, and what it showed."""
        with self.counting:
            self.reads += 1
            self.stale += shown < before

    def fail(self, text: str) -> None:
        with self.counting:
            self.failures.append(text)
        self.over.set()


def connect(service: Service) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(urlsplit(service.address).netloc, timeout=30)
    connection.connect()
    return connection


def connections_to_each_worker(service: Service, stack: ExitStack) -> list[list[http.client.HTTPConnection]]:
    """For each worker some connections of its own, told by who holds the other end.

    Raises:
        ServiceFailedError: the system gave no connection to one of the workers.
    """
    held: dict[int, list[http.client.HTTPConnection]] = {worker.pid: [] for worker in service.workers()}
    for _ in range(CONNECTION_TRIES):
        if len(held) == WORKERS and all(len(found) > READERS for found in held.values()):
            return list(held.values())
        connection = stack.enter_context(closing(connect(service)))
        # An answer shows that a worker has taken it.
        ask(connection, "GET", "/api/health/live", {})
        owner = _owner(service, connection.sock.getsockname()[1])
        held.setdefault(owner, []).append(connection)
    raise ServiceFailedError(
        f"not every one of {WORKERS} workers was reached: {[len(c) for c in held.values()]}"
    )


def _owner(service: Service, port: int) -> int:
    """The process that holds the other end of a connection of ours."""
    for worker in service.workers():
        for found in worker.net_connections(kind="inet"):
            if found.raddr and found.raddr.port == port:
                return int(worker.pid)
    raise ServiceFailedError("no worker holds the connection that it answered")


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> tuple[int, bytes]:
    connection.request(method, path, body=body, headers=dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.read()


def rename(connection: http.client.HTTPConnection, headers: Mapping[str, str], number: int) -> int:
    body = f'{{"name": "Renamed {number}"}}'.encode()
    sent = {**headers, "Content-Type": "application/json"}
    return ask(connection, "PUT", "/api/user", sent, body)[0]


def take_part(race: Race, step: Callable[[], None]) -> None:
    """Take one step after the other until the race is over; one that fails ends it for all."""
    try:
        while not race.over.is_set():
            step()
    except (OSError, http.client.HTTPException, UnmeasurableError) as error:
        race.fail(str(error) or type(error).__name__)


def write(race: Race, connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> None:
    """Rename once.

    Raises:
        UnmeasurableError: it was refused.
    """
    status = rename(connection, headers, race.acknowledged + 1)
    if status != 200:
        raise UnmeasurableError(f"a write was answered {status}")
    race.acknowledged += 1


def read(race: Race, connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> None:
    """Read once.

    Raises:
        UnmeasurableError: the answer was no directory.
    """
    before = race.acknowledged
    status, body = ask(connection, "GET", LIST, headers)
    shown = _NUMBER.search(body)
    if status != 200 or shown is None:
        raise UnmeasurableError(f"a read was answered {status} with {len(body)} bytes")
    race.saw(before, int(shown[1]))


def steps(race: Race, service: Service, stack: ExitStack) -> Iterator[Callable[[], None]]:
    """What those who take part do: a writer at one worker, readers at every worker."""
    writer, reader = (caller_headers(service.address, uid) for uid in (WRITER, PEOPLE[-1].uid))
    workers = connections_to_each_worker(service, stack)
    first = workers[0].pop()
    rename(first, writer, 0)
    yield partial(write, race, first, writer)
    for connections in workers:
        for connection in connections[: READERS // WORKERS]:
            yield partial(read, race, connection, reader)


def run_race(service: Service, seconds: float) -> Race:
    """A race of some seconds.

    Raises:
        ServiceFailedError: a request failed: nothing was shown.
    """
    race = Race()
    with ExitStack() as stack:
        threads = [Thread(target=take_part, args=(race, step)) for step in steps(race, service, stack)]
        for thread in threads:
            thread.start()
        race.over.wait(timeout=seconds)
        race.over.set()
        for thread in threads:
            thread.join()
    if race.failures:
        raise ServiceFailedError(race.failures[0])
    return race


def measure(kind: str, options: Options) -> tuple[Series, ...]:
    names = {f"{kind}: stale answers": "stale", f"{kind}: reads": "reads", f"{kind}: writes": "writes"}
    rounds: list[tuple[float, float, float]] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
        settings = prepare(Path(folder), PEOPLE, database_url=url)
        with homeroom(settings, workers=WORKERS) as service:
            for number in range(options.rounds):
                tell(f"round {number + 1} of {options.rounds}: {kind}")
                try:
                    race = run_race(service, options.seconds)
                except (ServiceFailedError, OSError, http.client.HTTPException) as error:
                    problems.append(str(error) or type(error).__name__)
                else:
                    rounds.append((race.stale, race.reads, race.acknowledged))
    columns = zip(*rounds, strict=True) if rounds else ((), (), ())
    return tuple(
        Series(name, unit, tuple(column), tuple(problems))
        for (name, unit), column in zip(names.items(), columns, strict=True)
    )


def main() -> None:
    options = read_options(__doc__, rounds=3, seconds=10)
    series: list[Series] = []
    for kind in DATABASES:
        series += measure(kind, options)
    claims = []
    for kind in DATABASES:
        claims.append(
            Claim(f"{kind}: stale answers", f"{kind}: stale answers", at_most=0, judged_by=JudgedBy.WORST)
        )
        claims.append(
            Claim(f"{kind}: reads that show it", f"{kind}: reads", at_least=1000, judged_by=JudgedBy.WORST)
        )
    remarks = (f"{WORKERS} workers; one writes, and {READERS} readers read from all of them at once.",)
    finish(Result("freshness", "Freshness", tuple(series), tuple(claims), remarks), options)


if __name__ == "__main__":
    main()
