"""A page of 50 out of a million users beside one out of a thousand: first, deep, by prefix; both databases.

One connection asks, so that the rate is the cost. Deep pages and prefixes take turns over many places, so
that no answer is simply the last one again.
"""

from functools import partial
from urllib.parse import quote

from sqlalchemy import Connection, text

from harness import growth
from harness.claims import Claim, Series
from harness.growth import LETTERS, NUMBERS, PAGE, TITLE, filled, next_cursor, variants
from harness.homeroom import LIST
from harness.load import Request
from harness.postgresql import DATABASES
from harness.processes import Service
from harness.results import Result
from harness.script import finish, read_options

_INSERT = "INSERT INTO users (uid, uid_key, name, name_key, role, pending, created_at) "
_VALUES = {
    "SQLite": f"'s' || i, 's' || i, {TITLE}, lower({TITLE}), 'User', 0, '2026-09-01 08:00:00.000000'",
    "PostgreSQL": f"'s' || i, 's' || i, {TITLE}, lower({TITLE}), 'User', false, '2026-09-01 08:00:00+00'",
}


def fill(connection: Connection, kind: str, size: int) -> None:
    """Make many users by one statement."""
    connection.execute(text(_INSERT + NUMBERS[kind].format(_VALUES[kind])), {"size": size})


def first(service: Service, _: int) -> list[Request]:
    return [Request(f"{LIST}?limit={PAGE}", service.headers)]


def deep(service: Service, size: int) -> list[Request]:
    """Nine tenths down the list."""
    search = f"q={quote(f'I Cohort {size // 600 // 2:05}')}"
    found = [next_cursor(service, f"{LIST}?limit={count}&{search}") for count in range(1, 31)]
    # A search's cursor begins with the number of its part; behind it stands the place in the list.
    places = [cursor.partition(".")[2] for cursor in found]
    return [Request(f"{LIST}?limit={PAGE}&cursor={place}", service.headers) for place in places]


def by_prefix(ending: str, service: Service, _: int) -> list[Request]:
    searches = [quote(letter + ending) for letter in LETTERS]
    return [Request(f"{LIST}?limit={PAGE}&q={search}", service.headers) for search in searches]


FORMS: growth.Forms = {
    "first": first,
    "deep": deep,
    "prefix, 60 match": partial(by_prefix, " Cohort 00000"),
    "prefix, a tenth match": partial(by_prefix, ""),
}


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=1)
    series: list[Series] = []
    claims: list[Claim] = []
    for variant, extra in variants():
        for kind in DATABASES:
            start = partial(filled, kind, fill=fill, caller="u002", extra=extra)
            series += growth.measure(kind, start, FORMS, options, variant)
        claims += growth.claims(tuple(FORMS), variant)
    title = "A page of 50 out of a million users"
    finish(Result("large_directory", title, tuple(series), tuple(claims)), options)


if __name__ == "__main__":
    main()
