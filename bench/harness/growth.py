"""A page out of a million rows beside one out of a thousand: what every such script does alike.

One connection asks, so that the rate is the cost. The slope is what each tenfold of rows adds to it.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from math import log10
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from sqlalchemy import Connection, create_engine, text

from harness.claims import Claim, Series, interleave
from harness.homeroom import HAS_READ_PATH, WITHOUT_READ_PATH, homeroom, prepare
from harness.load import Request, load
from harness.people import make_class
from harness.postgresql import DATABASES, database
from harness.processes import Service, ServiceFailedError
from harness.script import Options, tell
from homeroom.config import load_config

SIZES = (1_000, 1_000_000)
PAGE = 50
UNIT = "ms/page"
LETTERS = "ABCDEFGHIJ"
# Six hundred in turn share a cohort, sixty of them a letter; a tenth of all share a letter.
TITLE = (
    "substr('ABCDEFGHIJ', cast(i % 10 + 1 as integer), 1) || ' Cohort ' || "
    "substr(cast(100000 + i / 600 as varchar(6)), 2) || ' ' || "
    "substr(cast(100 + i % 600 / 10 as varchar(3)), 2)"
)
# From 0 to one less than `:size`, as `n(i)`.
NUMBERS = {
    "SQLite": (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :size) SELECT {} FROM n"
    ),
    "PostgreSQL": "SELECT {} FROM generate_series(0, :size - 1) AS n(i)",
}
# Fills a database of a kind with so many rows.
Fill = Callable[[Connection, str, int], None]
# Starts a service over so many rows.
Start = Callable[[int], AbstractContextManager[Service]]
# The requests for each form of a page, out of so many rows.
Forms = Mapping[str, Callable[[Service, int], list[Request]]]


@contextmanager
def filled(
    kind: str, size: int, fill: Fill, *, caller: str, extra: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Homeroom over so many rows, with one worker and somebody signed in."""
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
        settings = prepare(Path(folder), make_class(3), database_url=url)
        engine = create_engine(load_config(database_url=settings["DATABASE_URL"]).database)
        with engine.begin() as connection:
            fill(connection, kind, size)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE" if kind == "SQLite" else "VACUUM ANALYZE"))
        engine.dispose()
        with homeroom({**settings, **(extra or {})}, workers=1, caller=caller) as service:
            yield service


def next_cursor(service: Service, path: str) -> str:
    """The cursor behind a page, as the server gives it out.

    Raises:
        ServiceFailedError: no page follows.
    """
    answer = requests.get(service.address + path, headers=dict(service.headers), timeout=60)
    if "next" not in answer.links:
        raise ServiceFailedError(f"{path} leads to no next page")
    (cursor,) = parse_qs(urlsplit(answer.links["next"]["url"]).query)["cursor"]
    return cursor


def variants() -> Iterator[tuple[str, Mapping[str, str]]]:
    """With the read path and, where it can be switched off, without."""
    yield "", {}
    if HAS_READ_PATH:
        yield " without the read path", WITHOUT_READ_PATH


def label(kind: str, form: str, size: int, variant: str = "") -> str:
    """What a series is called."""
    return f"{kind}, {form}, of {size:,}{variant}"


def measure(
    kind: str,
    start: Callable[[int], AbstractContextManager[Service]],
    forms: Forms,
    options: Options,
    variant: str = "",
) -> tuple[Series, ...]:
    """All forms of a page out of both sizes, in the same rounds, and how the cost grows."""
    probes: dict[str, Callable[[], float]] = {}
    failed: list[Series] = []
    with ExitStack() as stack:
        for size in SIZES:
            tell(f"filling {kind} with {size:,}")
            service = stack.enter_context(start(size))
            for form, requests_of in forms.items():
                name = label(kind, form, size, variant)
                try:
                    wanted = requests_of(service, size)
                    _check(service, wanted)
                except (ServiceFailedError, requests.RequestException) as error:
                    failed.append(Series(name, UNIT, (), (str(error),)))
                else:
                    probes[name] = partial(_probe, service, wanted, options)
        measured = interleave(probes, rounds=options.rounds, unit=UNIT, tell=tell)
    return (*measured, *failed, *slopes(kind, tuple(forms), variant, measured))


def _check(service: Service, wanted: Sequence[Request]) -> None:
    """That each address gives a full page."""
    for request in wanted:
        answer = requests.get(service.address + request.path, headers=dict(request.headers), timeout=60)
        if answer.status_code != 200 or len(answer.json()) != PAGE:
            raise ServiceFailedError(f"{request.path} gave no full page: {answer.status_code}")


def _probe(service: Service, wanted: Sequence[Request], options: Options) -> float:
    """Milliseconds a page."""
    return 1000 / load(service, seconds=options.seconds, connections=1, requests=wanted).requests_per_s


def slopes(kind: str, forms: Sequence[str], variant: str, measured: Sequence[Series]) -> Iterator[Series]:
    """What each tenfold of rows adds to a page, in each round."""
    series = {one.name: one for one in measured}
    tenfolds = log10(SIZES[-1] / SIZES[0])
    for form in forms:
        small, large = (series.get(label(kind, form, size, variant)) for size in SIZES)
        if small and large and not small.failure and not large.failure:
            rises = zip(small.rounds, large.rounds, strict=True)
            added = tuple((after - before) / tenfolds for before, after in rises)
            yield Series(f"{kind}, {form}: each tenfold adds{variant}", "ms", added)


def claims(forms: Sequence[str], variant: str = "") -> Iterator[Claim]:
    """That a page out of many costs hardly more than one out of few."""
    small, large = SIZES
    for kind in DATABASES:
        for form in forms:
            over, under = label(kind, form, large, variant), label(kind, form, small, variant)
            yield Claim(f"{kind}, {form}{variant}", over, under, at_most=1.5)
