"""Every operation of a class: Homeroom beside PocketBase, the FastAPI service and the lesson's way.

All have the same hundred people, and are asked in the same rounds, by sixteen connections. All write durably:
an answered change is on the disk (SQLite with synchronous=FULL, PostgreSQL as it ships). PocketBase, which
ships with less, is measured both ways. Homeroom runs as `homeroom serve` starts it, bare and behind Nginx as
`homeroom deploy nginx` renders it.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from class_work.claims import LABELS, OTHERS, SHIPPED, WIRE, claims
from class_work.homeroom import homeroom_side, through_nginx
from class_work.material import CALLER, PEOPLE
from class_work.operations import UNITS, WRITES, Operation, Side, probe, series_name
from class_work.peers import fastapi_side, lesson_side
from class_work.pocketbase import pocketbase_side
from harness import browser
from harness.claims import Series, interleave_figures
from harness.comparison import Comparison
from harness.homeroom import CORES, caller_headers, homeroom, prepare
from harness.nginx import behind_nginx
from harness.postgresql import DATABASES, database, server_processes
from harness.processes import Service, ServiceFailedError
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError
from peers.pocketbase import pocketbase
from peers.services import constant_service, fastapi_service, lesson_service

Sides = dict[str, Side]
FAILURES = (ServiceFailedError, UnmeasurableError, requests.RequestException)
REMARKS = (
    f"16 connections. Homeroom has the workers that `homeroom serve` chooses ({CORES} on {CORES} cores), "
    "FastAPI has one for each core, the lesson's way has one, as its Dockerfile says.",
    "An operation of several requests counts once, from its first request to its last answer. The users page "
    "is what Chromium asked for on a first visit, over one connection.",
    "CPU and memory are those of all the service's processes: workers, decoders of pictures, PostgreSQL and "
    "Nginx. Memory is the most during the load (PSS).",
    "PocketBase has the same fields, rules and indexes; its lists name their fields and leave out the total, "
    "as its documentation advises. It makes each size of a picture when it is first asked for, so its upload "
    "includes asking for the three sizes. Homeroom makes the same sizes at once, each as JPEG and as WebP.",
    "PocketBase answers an ended session with an empty list, and Homeroom with a 401.",
    "Through Nginx, requests are encrypted, and come from a thousand addresses by turns, because its limits "
    "count by address.",
    "The photographs are twelve different JPEGs, sent by turns by thirty people.",
)


@contextmanager
def homerooms(kind: str, folder: Path, page: list[str]) -> Iterator[Sides]:
    """Homeroom on one database: bare, and another one of the same data behind Nginx.

    Args:
        page: what a browser asks for when it opens the users page; the first who doesn't know looks.
    """
    bare, nginx = LABELS[kind]
    (folder / "nginx").mkdir(parents=True)
    with ExitStack() as stack:
        url = stack.enter_context(database(kind, folder))
        settings = prepare(folder, PEOPLE, database_url=url)
        others = server_processes(kind, folder)
        service = replace(stack.enter_context(homeroom(settings)), others=others)
        page[:] = page or users_page(service, folder)
        sides = {bare: homeroom_side(service, folder / "photographs", page)}
        if kind == DATABASES[0]:
            sides |= stack.enter_context(wire(sides[bare], folder))
        inner = stack.enter_context(homeroom(settings | {"TRUSTED_PROXIES": "1"}))
        outer = stack.enter_context(behind_nginx(replace(inner, others=others), folder / "nginx"))
        yield sides | {nginx: through_nginx(sides[bare], outer)}


def users_page(service: Service, folder: Path) -> list[str]:
    """What a browser asks for when a student opens the users page; nothing where there is no browser."""
    tell("looking at what a browser asks for")
    headers = caller_headers(service.address, CALLER.uid)
    try:
        report = browser.visit(f"{service.address}/users/", headers, folder, ("performance",))
    except UnmeasurableError as error:
        tell(str(error))
        return []
    return browser.paths_of(report, service.address)


@contextmanager
def wire(side: Side, folder: Path) -> Iterator[Sides]:
    """Homeroom's own server giving the bytes of a picture without an application."""
    work = side.works[Operation.DOWNLOAD]
    like = replace(side.service, path=work.requests[0].path, headers=work.requests[0].headers)
    with constant_service(folder, like, workers=CORES) as service:
        yield {WIRE: Side(service, {Operation.DOWNLOAD: work})}


@contextmanager
def pocketbases(label: str, folder: Path, *, durable: bool) -> Iterator[Sides]:
    """PocketBase; of the one that is less durable only what it writes."""
    with pocketbase(folder, durable=durable) as (service, _):
        side = pocketbase_side(service, folder / "photographs")
        if not durable:
            side = replace(side, works={each: work for each, work in side.works.items() if each in WRITES})
        yield {label: side}


@contextmanager
def few_lines(
    label: str, started: AbstractContextManager[Service], side_of: Callable[[Service], Side]
) -> Iterator[Sides]:
    """A service of a few lines."""
    with started as service:
        yield {label: side_of(service)}


def starts(folder: Path) -> Iterator[tuple[tuple[str, ...], AbstractContextManager[Sides]]]:
    """Every service, by the labels of its columns."""
    page: list[str] = []
    for kind in DATABASES:
        yield LABELS[kind], homerooms(kind, folder / kind, page)
    durable, fastapi, lesson = OTHERS
    yield (durable,), pocketbases(durable, folder / "durable", durable=True)
    yield (SHIPPED,), pocketbases(SHIPPED, folder / "shipped", durable=False)
    yield (fastapi,), few_lines(fastapi, fastapi_service(folder, workers=CORES), fastapi_side)
    yield (lesson,), few_lines(lesson, lesson_service(folder), lesson_side)


def measure(options: Options, folder: Path) -> tuple[tuple[Series, ...], Comparison]:
    sides: Sides = {}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        for labels, start in starts(folder):
            tell(f"starting: {labels[0]}")
            try:
                sides |= stack.enter_context(start)
            except FAILURES as error:
                for operation in Operation:
                    absent |= {series_name(operation, label): str(error) for label in labels}
        for label, side in sides.items():
            absent |= {series_name(each, label): reason for each, reason in side.absent.items()}
        probes = {
            series_name(operation, label): probe(side, operation, options.seconds)
            for operation in Operation
            for label, side in sides.items()
            if operation in side.works
        }
        series = interleave_figures(probes, rounds=options.rounds, units=UNITS, tell=tell)
    columns = (*(label for labels in LABELS.values() for label in labels), *OTHERS, SHIPPED)
    return series, Comparison(tuple(Operation), columns, absent)


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=1)
    with tempfile.TemporaryDirectory() as folder:
        series, comparison = measure(options, Path(folder))
    title = "Every operation of a class"
    finish(Result("operations", title, series, tuple(claims()), REMARKS, comparison=comparison), options)


if __name__ == "__main__":
    main()
