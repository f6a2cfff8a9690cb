"""Memory of each worker, at rest and under load: what is its own, and its share of what is shared (PSS)."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.claims import Claim, JudgedBy, Series
from harness.consumption import Peak, pss_mb
from harness.homeroom import CORES, caller_headers, homeroom, prepare
from harness.load import Request, load
from harness.people import PASSWORD, make_class
from harness.processes import Service
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError

PEOPLE = make_class()
UNIT = "MB"


def largest_worker(service: Service) -> float:
    return max(pss_mb(worker) for worker in service.workers())


def under_load(service: Service, apply: Callable[[], object]) -> float:
    """The most that a worker had while something was asked of it."""
    workers = service.workers()
    with Peak(lambda: max(map(pss_mb, workers))) as largest:
        apply()
    return largest.highest


def read_list(service: Service, options: Options) -> None:
    load(service, seconds=options.seconds)


def sign_in_all(service: Service, options: Options) -> None:
    headers = {"Content-Type": "application/json"}
    bodies = [f'{{"uid": "{person.uid}", "password": "{PASSWORD}"}}' for person in PEOPLE]
    wanted = [Request("/api/authenticate", headers, "POST", body) for body in bodies]
    load(service, seconds=options.seconds, requests=wanted)


def one_life(settings: dict[str, str], options: Options) -> dict[str, float]:
    """A service from its start through both loads: what its largest worker had at each point."""
    with homeroom(settings) as service:
        at_rest = largest_worker(service)
        signed_in = Service(
            service.name,
            service.address,
            service.process,
            service.path,
            caller_headers(service.address, PEOPLE[-1].uid),
        )
        return {
            "a worker at rest": at_rest,
            "a worker while lists are read": under_load(service, partial(read_list, signed_in, options)),
            "a worker while people sign in": under_load(service, partial(sign_in_all, service, options)),
            "the process that minds the workers": pss_mb(service.process),
        }


def main() -> None:
    options = read_options(__doc__, rounds=3, seconds=4)
    lives: list[dict[str, float]] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = prepare(Path(folder), PEOPLE)
        for number in range(options.rounds):
            tell(f"round {number + 1} of {options.rounds}")
            try:
                lives.append(one_life(settings, options))
            except UnmeasurableError as error:
                problems.append(str(error))
    names = ("a worker at rest", "a worker while lists are read", "a worker while people sign in")
    all_names = (*names, "the process that minds the workers")
    series = tuple(
        Series(name, UNIT, tuple(life[name] for life in lives), tuple(problems)) for name in all_names
    )
    claims = tuple(Claim(name, name, at_most=120, judged_by=JudgedBy.WORST) for name in names)
    remarks = (
        f"The largest of {CORES} workers. Each counts its share of the memory that they have in common.",
    )
    finish(Result("memory", "Memory", series, claims, remarks), options)


if __name__ == "__main__":
    main()
