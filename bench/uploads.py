"""Many uploads at once: the worker's memory, and whether the directory answers meanwhile.

Thirty people send photographs of about 5 MB to one worker at the same moment, again after `Retry-After` where
the server asks for it; the directory is read all the while.
"""

import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from harness.claims import Claim, JudgedBy, Series
from harness.homeroom import homeroom, prepare, sign_in
from harness.people import make_class
from harness.photographs import MEGABYTE, make_photograph
from harness.processes import Service
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError

UPLOADS = 30
MAX_BYTES = int(4.9 * MEGABYTE)
DEADLINE_S = 180
PEOPLE = make_class(UPLOADS)
QUIET, BUSY = "the directory when quiet", "the directory during uploads"
UNITS = {
    QUIET: "ms, p99",
    BUSY: "ms, p99",
    "the worker at most": "MB",
    "pictures kept": "of 30",
    "asked to come again": "times",
    "all uploads took": "s",
}
CLAIMS = (
    Claim("pictures kept", "pictures kept", at_least=UPLOADS, judged_by=JudgedBy.WORST),
    Claim("the directory during uploads compared with quiet", BUSY, QUIET, at_most=3),
)


def send(address: str, token: str, data: bytes) -> tuple[int, int]:
    """Upload as a page does; the status, and how often the server asked to come again."""
    waits, deadline = 0, time.monotonic() + DEADLINE_S
    while True:
        answer = requests.post(
            f"{address}/api/uploads/",
            files={"file": ("photo.jpg", data)},
            cookies={"jwt": token},
            timeout=DEADLINE_S,
        )
        if answer.status_code != 503 or time.monotonic() > deadline:
            return answer.status_code, waits
        waits += 1
        time.sleep(int(answer.headers["Retry-After"]))


class Watch(threading.Thread):
    """Reads the directory and the worker's memory until it is stopped."""

    def __init__(self, service: Service, token: str) -> None:
        super().__init__(daemon=True)
        (self.worker,) = service.workers()
        self.url, self.cookies = service.url, {"jwt": token}
        self.times_ms: list[float] = []
        self.peak_mb = 0.0
        self.failure = ""
        self.over = threading.Event()

    def run(self) -> None:
        with requests.Session() as session:
            while not self.over.wait(0.02):
                started = time.perf_counter()
                try:
                    session.get(self.url, cookies=self.cookies, timeout=120).raise_for_status()
                except requests.RequestException as error:
                    self.failure = f"the directory did not answer: {type(error).__name__}"
                    return
                self.times_ms.append((time.perf_counter() - started) * 1000)
                self.peak_mb = max(self.peak_mb, _megabytes(self.worker))

    def stop(self) -> None:
        """End watching.

        Raises:
            UnmeasurableError: the directory failed meanwhile.
        """
        self.over.set()
        self.join()
        if self.failure:
            raise UnmeasurableError(self.failure)

    @property
    def p99_ms(self) -> float:
        return sorted(self.times_ms)[int(len(self.times_ms) * 0.99)]


def _megabytes(process: psutil.Process) -> float:
    resident: int = process.memory_info().rss
    return resident / 1024**2


@dataclass(frozen=True)
class Rush:
    """What came of everyone uploading at once."""

    answers: Sequence[tuple[int, int]]
    elapsed_s: float
    watch: Watch


def rush(service: Service, tokens: Sequence[str], data: bytes) -> Rush:
    """Everyone uploads at the same moment, while the directory is read."""
    watch = Watch(service, tokens[0])
    watch.start()
    started = time.monotonic()
    with ThreadPoolExecutor(UPLOADS) as pool:
        answers = list(pool.map(lambda token: send(service.address, token, data), tokens))
    elapsed_s = time.monotonic() - started
    watch.stop()
    return Rush(answers, elapsed_s, watch)


def one_round(data: bytes, options: Options) -> tuple[float, ...]:
    """A new service: first quiet, then with everyone's uploads; values in the order of `UNITS`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        homeroom(prepare(Path(folder), PEOPLE), workers=1) as service,
    ):
        tokens = [sign_in(service.address, person.uid) for person in PEOPLE]
        quiet = Watch(service, tokens[0])
        quiet.start()
        time.sleep(options.seconds)
        quiet.stop()
        busy = rush(service, tokens, data)
    statuses = [status for status, _ in busy.answers]
    waits = sum(waits for _, waits in busy.answers)
    watch = busy.watch
    return quiet.p99_ms, watch.p99_ms, watch.peak_mb, statuses.count(201), waits, busy.elapsed_s


def measure(data: bytes, options: Options) -> tuple[Series, ...]:
    rounds: list[tuple[float, ...]] = []
    problems: list[str] = []
    for number in range(options.rounds):
        tell(f"round {number + 1} of {options.rounds}")
        try:
            rounds.append(one_round(data, options))
        except UnmeasurableError as error:
            problems.append(str(error))
    columns = zip(*rounds, strict=True) if rounds else [()] * len(UNITS)
    return tuple(
        Series(name, unit, tuple(column), tuple(problems))
        for (name, unit), column in zip(UNITS.items(), columns, strict=True)
    )


def main() -> None:
    options = read_options(__doc__, rounds=2, seconds=3)
    data = make_photograph(MAX_BYTES, 6000, 4000)
    series = measure(data, options)
    remarks = (f"{UPLOADS} photographs of {len(data) / 1024**2:.1f} MB and 24 megapixels, one worker.",)
    finish(Result("uploads", "Many uploads at once", series, CLAIMS, remarks), options)


if __name__ == "__main__":
    main()
