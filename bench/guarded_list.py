"""The guarded list of 100 users, beside what others give: PocketBase, FastAPI, the lesson, and the bare wire.

All are asked in the same rounds, by the same load, for the same hundred people, by a signed-in caller.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import requests

from harness.claims import Claim, Series, interleave
from harness.homeroom import CORES, HAS_READ_PATH, WITHOUT_READ_PATH, homeroom, homeroom_on_gunicorn, prepare
from harness.load import load
from harness.people import make_class
from harness.processes import Service, ServiceFailedError
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError
from peers.pocketbase import pocketbase
from peers.services import constant_service, fastapi_service, lesson_service

UNIT = "requests/s"
PEOPLE = make_class()
CALLER = PEOPLE[-1].uid
PLAIN = "Homeroom without the read path"
CLAIMS = (
    Claim("compared with PocketBase", "Homeroom", "PocketBase", at_least=20),
    Claim("compared with the lesson's way", "Homeroom", "The lesson's way", at_least=20),
    Claim("of the wire limit", "Homeroom", "Wire limit", at_least=0.5),
    Claim("compared with PocketBase's plain collection", "Homeroom", "PocketBase, plain collection"),
    Claim("compared with FastAPI", "Homeroom", "FastAPI"),
    Claim("compared with itself on gunicorn", "Homeroom", "Homeroom on gunicorn"),
)
Start = Callable[[], AbstractContextManager[tuple[Service, ...]]]


def starts(folder: Path) -> Iterator[tuple[str, Start]]:
    """Every service by its name, in the order of the table."""
    settings = prepare(folder / "homeroom", PEOPLE)
    yield "Homeroom", partial(homeroom_and_wire, settings, folder)
    if HAS_READ_PATH:
        plain = partial(homeroom, settings | WITHOUT_READ_PATH, name=PLAIN, caller=CALLER)
        yield PLAIN, partial(alone, plain)
    gunicorn = partial(homeroom_on_gunicorn, settings, workers=CORES, caller=CALLER)
    yield "Homeroom on gunicorn", partial(alone, gunicorn)
    yield "PocketBase", partial(pocketbase, folder)
    yield "FastAPI", partial(alone, partial(fastapi_service, folder, workers=CORES))
    yield "The lesson's way", partial(alone, partial(lesson_service, folder))


@contextmanager
def alone(start: Callable[[], AbstractContextManager[Service]]) -> Iterator[tuple[Service, ...]]:
    """What starts one service, as one that starts several."""
    with start() as service:
        yield (service,)


@contextmanager
def homeroom_and_wire(settings: Mapping[str, str], folder: Path) -> Iterator[tuple[Service, ...]]:
    """Homeroom, and its own server giving the same bytes without an application."""
    with (
        homeroom(settings, caller=CALLER) as service,
        constant_service(folder, service, workers=CORES) as wire,
    ):
        yield service, wire


def answer_bytes(service: Service) -> int:
    """How long the list is; that it is the list of all people is checked.

    Raises:
        ServiceFailedError: it is something else.
    """
    answer = requests.get(service.url, headers=dict(service.headers), timeout=30)
    if answer.status_code != 200:
        raise ServiceFailedError(f"{service.name} answered {answer.status_code}")
    told = answer.json()
    rows = told["items"] if isinstance(told, dict) else told
    if {row["uid"] for row in rows} != {person.uid for person in PEOPLE}:
        raise ServiceFailedError(f"{service.name} did not list the hundred people")
    return len(requests.get(service.url, headers=_plain(service), timeout=30).content)


def _plain(service: Service) -> dict[str, str]:
    """Without compression, as wrk asks."""
    return dict(service.headers) | {"Accept-Encoding": "identity"}


def probe(service: Service, options: Options) -> Callable[[], float]:
    """A round of load on a service: requests a second."""
    expected = answer_bytes(service)
    load(service, seconds=1)  # it is warm before it is measured
    return lambda: load(service, seconds=options.seconds, answer_bytes=expected).requests_per_s


def measure(options: Options, folder: Path) -> tuple[Series, ...]:
    probes: dict[str, Callable[[], float]] = {}
    failed: list[Series] = []
    with ExitStack() as stack:
        for name, start in starts(folder):
            tell(f"starting: {name}")
            try:
                for service in stack.enter_context(start()):
                    probes[service.name] = probe(service, options)
            except (ServiceFailedError, UnmeasurableError, requests.RequestException) as error:
                failed.append(Series(name, UNIT, (), (str(error),)))
        measured = interleave(probes, rounds=options.rounds, unit=UNIT, tell=tell)
    return (*measured, *failed)


def main() -> None:
    options = read_options(__doc__, rounds=7, seconds=2)
    with tempfile.TemporaryDirectory() as folder:
        series = measure(options, Path(folder))
    remarks = (
        f"{CORES} workers each, if a service has workers; the lesson's way has one, as its Dockerfile says.",
    )
    finish(Result("guarded_list", "Guarded list of 100 users", series, CLAIMS, remarks), options)


if __name__ == "__main__":
    main()
