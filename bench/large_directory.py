"""A page of 50 out of a million users beside one out of a thousand: first, deep, by prefix; both databases.

One connection asks, so that the rate is the cost. Deep pages and prefixes take turns over many places, so
that no answer is simply the last one again.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import requests
from sqlalchemy import create_engine, text

from harness.claims import Claim, Series, interleave
from harness.homeroom import HAS_READ_PATH, LIST, WITHOUT_READ_PATH, homeroom, prepare
from harness.load import Request, load
from harness.people import make_class
from harness.postgresql import DATABASES, database
from harness.processes import Service, ServiceFailedError
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from homeroom.config import load_config

SIZES = (1_000, 1_000_000)
PAGE = 50
FORMS = ("first", "deep", "prefix, 60 match", "prefix, a tenth match")
LETTERS = "ABCDEFGHIJ"
# Six hundred in turn share a cohort, sixty of them a letter; a tenth of all share a letter.
_NAME = (
    "substr('ABCDEFGHIJ', cast(i % 10 + 1 as integer), 1) || ' Cohort ' || "
    "substr(cast(100000 + i / 600 as varchar(6)), 2) || ' ' || "
    "substr(cast(100 + i % 600 / 10 as varchar(3)), 2)"
)
_COLUMNS = "uid, uid_key, name, name_key, role, pending, created_at"
_INSERT = {
    "SQLite": (
        f"INSERT INTO users ({_COLUMNS}) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :size) "
        f"SELECT 's' || i, 's' || i, {_NAME}, lower({_NAME}), 'User', 0, '2026-09-01 08:00:00.000000' FROM n"
    ),
    "PostgreSQL": (
        f"INSERT INTO users ({_COLUMNS}) "
        f"SELECT 's' || i, 's' || i, {_NAME}, lower({_NAME}), 'User', false, '2026-09-01 08:00:00+00' "
        "FROM generate_series(0, :size - 1) AS n(i)"
    ),
}
_STATISTICS = {"SQLite": "ANALYZE", "PostgreSQL": "VACUUM ANALYZE users"}


def fill(kind: str, settings: Mapping[str, str], size: int) -> None:
    """Make many users by one statement, and let the database take its statistics."""
    engine = create_engine(load_config(database_url=settings["DATABASE_URL"]).database)
    with engine.begin() as connection:
        connection.execute(text(_INSERT[kind]), {"size": size})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(_STATISTICS[kind]))
    engine.dispose()


@contextmanager
def directory(kind: str, size: int, extra: Mapping[str, str]) -> Iterator[Service]:
    """Homeroom over a directory of so many users, with one worker and one of them signed in."""
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
        settings = prepare(Path(folder), make_class(3), database_url=url)
        fill(kind, settings, size)
        with homeroom({**settings, **extra}, workers=1, caller="u002") as service:
            yield service


def pages(service: Service, form: str, size: int) -> list[Request]:
    """What is asked for in turn."""
    if form == "first":
        paths = [f"{LIST}?limit={PAGE}"]
    elif form == "deep":
        paths = [f"{LIST}?limit={PAGE}&cursor={cursor}" for cursor in deep_cursors(service, size)]
    elif form == "prefix, 60 match":
        paths = [f"{LIST}?limit={PAGE}&q={quote(f'{letter} Cohort 00000')}" for letter in LETTERS]
    else:
        paths = [f"{LIST}?limit={PAGE}&q={letter}" for letter in LETTERS]
    return [Request(path, service.headers) for path in paths]


def deep_cursors(service: Service, size: int) -> list[str]:
    """Cursors nine tenths down the list, as the server gives them out."""
    cohort = size // 600 // 2
    found = []
    for count in range(1, 31):
        query = f"limit={count}&q={quote(f'I Cohort {cohort:05}')}"
        answer = requests.get(f"{service.address}{LIST}?{query}", headers=dict(service.headers), timeout=60)
        if "next" not in answer.links:
            raise ServiceFailedError(f"{query} leads to no next page")
        (cursor,) = parse_qs(urlsplit(answer.links["next"]["url"]).query)["cursor"]
        # A search's cursor begins with the number of its part; behind it stands the place in the list.
        found.append(cursor.partition(".")[2])
    return found


def probe(service: Service, wanted: Sequence[Request], options: Options) -> float:
    """Milliseconds a page."""
    return 1000 / load(service, seconds=options.seconds, connections=1, requests=wanted).requests_per_s


def check(service: Service, wanted: Sequence[Request]) -> None:
    """That each address gives a full page.

    Raises:
        ServiceFailedError: one does not.
    """
    for request in wanted:
        answer = requests.get(service.address + request.path, headers=dict(request.headers), timeout=60)
        if answer.status_code != 200 or len(answer.json()) != PAGE:
            raise ServiceFailedError(f"{request.path} gave no full page: {answer.status_code}")


def variants() -> Iterator[tuple[str, Mapping[str, str]]]:
    """With the read path and, where it can be switched off, without."""
    yield "", {}
    if HAS_READ_PATH:
        yield " without the read path", WITHOUT_READ_PATH


def label(kind: str, form: str, size: int, variant: str) -> str:
    return f"{kind}, {form}, of {size:,}{variant}"


def measure(kind: str, variant: str, extra: Mapping[str, str], options: Options) -> tuple[Series, ...]:
    """All forms of a page out of both sizes, in the same rounds."""
    probes: dict[str, Callable[[], float]] = {}
    failed: list[Series] = []
    with ExitStack() as stack:
        for size in SIZES:
            tell(f"filling {kind} with {size:,} users")
            service = stack.enter_context(directory(kind, size, extra))
            for form in FORMS:
                name = label(kind, form, size, variant)
                try:
                    wanted = pages(service, form, size)
                    check(service, wanted)
                except (ServiceFailedError, requests.RequestException) as error:
                    failed.append(Series(name, "ms/page", (), (str(error),)))
                else:
                    probes[name] = partial(probe, service, wanted, options)
        return (*interleave(probes, rounds=options.rounds, unit="ms/page", tell=tell), *failed)


def claims() -> Iterator[Claim]:
    small, large = SIZES
    for variant, _ in variants():
        for kind in DATABASES:
            for form in FORMS:
                over, under = label(kind, form, large, variant), label(kind, form, small, variant)
                yield Claim(f"{kind}, {form}{variant}", over, under, at_most=1.5)


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=1)
    series: list[Series] = []
    for variant, extra in variants():
        for kind in DATABASES:
            series += measure(kind, variant, extra, options)
    title = "A page of 50 out of a million users"
    finish(Result("large_directory", title, tuple(series), tuple(claims())), options)


if __name__ == "__main__":
    main()
