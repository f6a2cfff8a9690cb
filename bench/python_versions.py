"""Homeroom under each version of Python: the kept list, one person, a change of a name, and a sign-in.

A version counts where pyenv or the path has it, and all locked dependencies have wheels for it.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import requests

from class_work.homeroom import sign_ins
from class_work.material import CALLER, CALLERS, PEOPLE
from class_work.operations import Work
from harness.claims import Claim, Series, interleave
from harness.homeroom import LIST, caller_headers, homeroom, prepare
from harness.load import Request
from harness.mixtures import renames
from harness.processes import Service, ServiceFailedError
from harness.pythons import VERSIONS, environment
from harness.results import Result
from harness.script import Options, finish, read_options, tell

UNIT = "a second"
LISTED, ONE_USER, CHANGED, SIGNED_IN = WORKS = ("the list", "one person", "a change of a name", "a sign-in")


def works(service: Service) -> dict[str, Work]:
    """What is asked of each."""
    other = requests.get(service.url, headers=dict(service.headers), timeout=30).json()[0]["id"]
    callers = [caller_headers(service.address, person.uid) for person in CALLERS]
    return {
        LISTED: Work([Request(LIST, service.headers)]),
        ONE_USER: Work([Request(f"{LIST}{other}", service.headers)]),
        CHANGED: Work(renames(callers)),
        SIGNED_IN: Work(sequences=sign_ins()),
    }


def label(version: str, work: str) -> str:
    return f"{version}, {work}"


def rate(service: Service, work: Work, options: Options) -> float:
    return work.apply(service, options.seconds).requests_per_s


def measure(options: Options, folder: Path) -> tuple[Series, ...]:
    """All versions at once, each over a class of its own; they are asked in turn."""
    probes: dict[str, Callable[[], float]] = {}
    failed: list[Series] = []
    with ExitStack() as stack:
        for version in VERSIONS:
            tell(f"starting: Python {version}")
            try:
                python = environment(version, folder)
                settings = prepare(folder / f"class-{version}", PEOPLE)
                started = homeroom(settings, caller=CALLER.uid, python=python)
                service = stack.enter_context(started)
            except ServiceFailedError as error:
                failed += [Series(label(version, work), UNIT, (), (str(error),)) for work in WORKS]
                continue
            for name, work in works(service).items():
                probes[label(version, name)] = partial(rate, service, work, options)
        in_turn = {name: probes[name] for work in WORKS for name in probes if name.endswith(work)}
        return (*interleave(in_turn, rounds=options.rounds, unit=UNIT, tell=tell), *failed)


def claims() -> Iterator[Claim]:
    """How each compares with the oldest."""
    oldest, *others = VERSIONS
    for work in WORKS:
        for version in others:
            name = f"{work}: {version} compared with {oldest}"
            yield Claim(name, label(version, work), label(oldest, work))


def main() -> None:
    options = read_options(__doc__, rounds=4, seconds=1)
    with tempfile.TemporaryDirectory() as folder:
        series = measure(options, Path(folder))
    title = "Versions of Python"
    finish(Result("python_versions", title, series, tuple(claims())), options)


if __name__ == "__main__":
    main()
