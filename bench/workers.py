"""The guarded list on SQLite and PostgreSQL, with one to four workers."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from harness.claims import Claim, Series, interleave
from harness.homeroom import CORES, homeroom, prepare
from harness.load import load
from harness.people import make_class
from harness.postgresql import DATABASES, database
from harness.processes import Service
from harness.results import Result
from harness.script import Options, finish, read_options, tell

PEOPLE = make_class()
WORKERS = (1, 2, 3, 4)


def label(kind: str, workers: int) -> str:
    return f"{kind}, {workers} worker{'s' if workers > 1 else ''}"


def rate(service: Service, options: Options) -> float:
    return load(service, seconds=options.seconds).requests_per_s


def measure(options: Options, folder: Path) -> tuple[Series, ...]:
    """All services at once over the two databases; each is asked in turn."""
    probes: dict[str, Callable[[], float]] = {}
    with ExitStack() as stack:
        for kind in DATABASES:
            place = folder / kind
            place.mkdir()
            url = stack.enter_context(database(kind, place))
            settings = prepare(place, PEOPLE, database_url=url)
            for workers in WORKERS:
                tell(f"starting: {label(kind, workers)}")
                started = homeroom(settings, workers=workers, caller=PEOPLE[-1].uid)
                service = stack.enter_context(started)
                load(service, seconds=1)
                probes[label(kind, workers)] = partial(rate, service, options)
        return interleave(probes, rounds=options.rounds, unit="requests/s", tell=tell)


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=2)
    with tempfile.TemporaryDirectory() as folder:
        series = measure(options, Path(folder))
    claims = [
        Claim(f"{kind}: {workers} workers compared with one", label(kind, workers), label(kind, 1))
        for kind in DATABASES
        for workers in WORKERS[1:]
    ]
    sqlite, postgresql = (label(kind, min(CORES, WORKERS[-1])) for kind in DATABASES)
    claims.append(Claim("PostgreSQL compared with SQLite", postgresql, sqlite))
    title = "One to four workers, SQLite and PostgreSQL"
    remarks = (f"On {CORES} cores, which the load generator shares.",)
    finish(Result("workers", title, series, tuple(claims), remarks), options)


if __name__ == "__main__":
    main()
