"""The directory's p99 while something heavy goes on, beside the same when all is quiet.

One reader asks for the list of a hundred again and again. What is read from a storm's first request to its
last answer counts. The storms come from a process of their own: they disturb the service, not the clock.
"""

import http.client
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Future
from urllib.parse import urlsplit

from harness.claims import Claim, Series, interleave
from harness.processes import Service
from harness.script import Options, tell
from harness.wrk import UnmeasurableError

QUIET, STORM = "Quiet", "Storm"
# More storms follow where a slow directory gave few reads, but not for ever.
STORMS_PER_ROUND, MAX_STORMS = 6, 20
# Fewer reads have no hundredth part to speak of.
MIN_READS = 100
# Begins one storm; its result is what was refused, or nothing.
Begin = Callable[[], "Future[str]"]


class Reader:
    """Asks for the directory over one connection, and keeps how long each answer took."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.connection = http.client.HTTPConnection(urlsplit(service.address).netloc, timeout=60)

    def read_while(self, goes_on: Callable[[], bool]) -> list[float]:
        """Milliseconds of each read as long as something goes on.

        Raises:
            UnmeasurableError: an answer was no list.
        """
        times = []
        while goes_on():
            started = time.perf_counter()
            self.connection.request("GET", self.service.path, headers=dict(self.service.headers))
            answer = self.connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise UnmeasurableError(f"the directory answered {answer.status}")
            times.append((time.perf_counter() - started) * 1000)
        return times


def p99(times: list[float]) -> float:
    """The time that one read in a hundred exceeds.

    Raises:
        UnmeasurableError: there were too few reads.
    """
    if len(times) < MIN_READS:
        raise UnmeasurableError(f"only {len(times)} reads, of which no hundredth part can be told")
    return statistics.quantiles(times, n=100, method="inclusive")[98]


def read_quietly(reader: Reader, seconds: float) -> float:
    """The p99 of the directory when nothing else happens, in milliseconds."""
    deadline = time.monotonic() + seconds
    return p99(reader.read_while(lambda: time.monotonic() < deadline))


def read_in_storms(reader: Reader, begin: Begin) -> float:
    """The p99 of the directory during storms, in milliseconds.

    Raises:
        UnmeasurableError: something of a storm was refused.
    """
    times: list[float] = []
    for number in range(MAX_STORMS):
        if number >= STORMS_PER_ROUND and len(times) >= MIN_READS:
            break
        raging = begin()
        times += reader.read_while(lambda future=raging: not future.done())  # type: ignore[misc]
        if raging.result():
            raise UnmeasurableError(raging.result())
    return p99(times)


def measure_storms(service: Service, begin: Begin, options: Options) -> tuple[Series, ...]:
    """Both, in the same rounds; a storm before them is not measured."""
    reader = Reader(service)
    begin().result()
    probes = {
        QUIET: lambda: read_quietly(reader, options.seconds),
        STORM: lambda: read_in_storms(reader, begin),
    }
    return interleave(probes, rounds=options.rounds, unit="ms, p99", tell=tell)


CLAIMS = (Claim("the directory's p99 in a storm", STORM, QUIET, at_most=3),)
