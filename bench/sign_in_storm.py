"""The directory while forty people sign in at the same moment, beside the directory when all is quiet.

One reader asks for the list of a hundred again and again. What is read from a storm's first request to its
last answer counts. The storms come from a process of their own: they disturb the service, not the clock.
"""

import http.client
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import requests

from harness.claims import Claim, interleave
from harness.homeroom import homeroom, prepare
from harness.people import PASSWORD, make_class
from harness.processes import Service
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError

PEOPLE = make_class()
STORM = 40
# More storms follow where a slow directory gave few reads, but not for ever.
STORMS_PER_ROUND, MAX_STORMS = 6, 20
NO_ANSWER = 0
# Fewer reads have no hundredth part to speak of.
MIN_READS = 100


def storm(address: str) -> list[int]:
    """Forty sign-ins at once; how each was answered."""
    gate = threading.Barrier(STORM)

    def sign_in(uid: str) -> int:
        gate.wait()
        body = {"uid": uid, "password": PASSWORD}
        try:
            return requests.post(f"{address}/api/authenticate", json=body, timeout=60).status_code
        except requests.RequestException:
            return NO_ANSWER

    with ThreadPoolExecutor(STORM) as pool:
        return list(pool.map(sign_in, [person.uid for person in PEOPLE[:STORM]]))


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
    """The p99 of the directory when nobody signs in, in milliseconds."""
    deadline = time.monotonic() + seconds
    return p99(reader.read_while(lambda: time.monotonic() < deadline))


def read_in_storms(reader: Reader, pool: ProcessPoolExecutor) -> float:
    """The p99 of the directory during storms, in milliseconds.

    Raises:
        UnmeasurableError: a sign-in was refused.
    """
    times: list[float] = []
    for number in range(MAX_STORMS):
        if number >= STORMS_PER_ROUND and len(times) >= MIN_READS:
            break
        raging: Future[list[int]] = pool.submit(storm, reader.service.address)
        times += reader.read_while(lambda future=raging: not future.done())  # type: ignore[misc]
        statuses = Counter(raging.result())
        if statuses != {200: STORM}:
            raise UnmeasurableError(f"sign-ins were answered {dict(statuses)}")
    return p99(times)


def measure(options: Options, folder: Path) -> Result:
    fresh = multiprocessing.get_context("spawn")
    with (
        homeroom(prepare(folder, PEOPLE), caller=PEOPLE[-1].uid) as service,
        ProcessPoolExecutor(1, mp_context=fresh) as pool,
    ):
        reader = Reader(service)
        pool.submit(storm, service.address).result()
        probes = {
            "Quiet": lambda: read_quietly(reader, options.seconds),
            "Storm": lambda: read_in_storms(reader, pool),
        }
        series = interleave(probes, rounds=options.rounds, unit="ms, p99", tell=tell)
    claims = (Claim("the directory's p99 in a storm", "Storm", "Quiet", at_most=3),)
    remarks = (f"At least {STORMS_PER_ROUND} storms of {STORM} sign-ins in each round.",)
    return Result("sign_in_storm", "Reading while forty sign in", series, claims, remarks)


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=3)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    finish(result, options)


if __name__ == "__main__":
    main()
