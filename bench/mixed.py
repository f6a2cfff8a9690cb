"""The guarded list while one request in twenty writes, beside reading alone; on both databases."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from harness.claims import Claim, Series, interleave
from harness.homeroom import CORES, LIST, caller_headers, homeroom, prepare
from harness.load import Request, load
from harness.mixtures import mostly_reads
from harness.people import make_class
from harness.postgresql import DATABASES, database
from harness.processes import Service
from harness.results import Result
from harness.script import Options, finish, read_options, tell

PEOPLE = make_class()
CALLERS = PEOPLE[-10:]
READS_PER_WRITE = 19


def measure(options: Options, folder: Path) -> tuple[Series, ...]:
    probes: dict[str, Callable[[], float]] = {}
    with ExitStack() as stack:
        for kind in DATABASES:
            tell(f"starting: Homeroom on {kind}")
            place = folder / kind
            place.mkdir()
            url = stack.enter_context(database(kind, place))
            service = stack.enter_context(homeroom(prepare(place, PEOPLE, database_url=url)))
            callers = [caller_headers(service.address, person.uid) for person in CALLERS]
            reads = [Request(LIST, headers) for headers in callers]
            mixed = mostly_reads(callers, reads_per_write=READS_PER_WRITE)
            probes[f"{kind}, reads only"] = partial(rate, service, reads, options)
            probes[f"{kind}, one in twenty writes"] = partial(rate, service, mixed, options)
        return interleave(probes, rounds=options.rounds, unit="requests/s", tell=tell)


def rate(service: Service, wanted: Sequence[Request], options: Options) -> float:
    return load(service, seconds=options.seconds, requests=wanted).requests_per_s


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=3)
    with tempfile.TemporaryDirectory() as folder:
        series = measure(options, Path(folder))
    claims = tuple(
        Claim(
            f"{kind}: writing compared with only reading",
            f"{kind}, one in twenty writes",
            f"{kind}, reads only",
        )
        for kind in DATABASES
    )
    remarks = (f"{CORES} workers; ten students, each read follows what was last written.",)
    finish(Result("mixed", "95 % reads, 5 % writes", series, claims, remarks), options)


if __name__ == "__main__":
    main()
