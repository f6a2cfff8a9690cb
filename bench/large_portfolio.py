"""A page of 50 out of a million projects, each with a picture and a tag, beside one out of a thousand.

First, deep, by word and by tag, as a student sees them, and the first page of the activity, as the staff
does. On both databases; the rows are made by SQL, in a temporary folder that takes about four gigabytes.
"""

from functools import partial
from urllib.parse import quote

from sqlalchemy import Connection, text

from harness import growth
from harness.claims import Series
from harness.growth import LETTERS, NUMBERS, PAGE, TITLE, filled, next_cursor
from harness.homeroom import caller_headers
from harness.load import Request
from harness.people import make_class
from harness.postgresql import DATABASES
from harness.processes import Service
from harness.results import Result
from harness.script import finish, read_options

PROJECTS = "/api/projects/"
STUDENT, STAFF = make_class()[2].uid, make_class()[1].uid
# A project a second since the beginning of the year at school; nobody has more than a hundred.
_MOMENT = {
    "SQLite": "strftime('%Y-%m-%d %H:%M:%S.000000', 1788249600 + i, 'unixepoch')",
    "PostgreSQL": "to_timestamp(1788249600 + i)",
}
_TRUE = {"SQLite": "1", "PostgreSQL": "true"}
_FALSE = {"SQLite": "0", "PostgreSQL": "false"}
# A digest is 64 hexadecimal digits; here they say a number.
_DIGEST = {"SQLite": "printf('%064x', i)", "PostgreSQL": "lpad(to_hex(i), 64, '0')"}
# Behind the three people who are there already.
_OWNER = "4 + i / 100"
_TABLES = {
    "users": (
        "id, uid, uid_key, name, name_key, role, pending, created_at",
        "4 + i, 's' || i, 's' || i, 'Student ' || i, 'student ' || i, 'User', {false}, {moment}",
    ),
    "projects": (
        "id, owner_id, title, title_key, summary, body, version, visibility, links, "
        "created_at, updated_at, shared_at",
        f"1 + i, {_OWNER}, {TITLE}, lower({TITLE}), 'A piece of work', 'It works.', 1, 'class', '[]', "
        "{moment}, {moment}, {moment}",
    ),
    "project_tags": ("project_id, position, tag, key", "1 + i, 0, 'tag' || (i % 10), 'tag' || (i % 10)"),
    "pictures": (
        "id, owner_id, purpose, attached, width, height, bytes, digest, type, created_at",
        f"1 + i, {_OWNER}, 'project', {{true}}, 1600, 1067, 400000, {{digest}}, 'jpeg', {{moment}}",
    ),
    "project_pictures": ("project_id, position, picture_id, alt", "1 + i, 0, 1 + i, 'A picture'"),
}


def fill(connection: Connection, kind: str, size: int) -> None:
    """Make as many projects, each with its picture and tag, and a hundredth of people."""
    if kind == "PostgreSQL":
        # Neither triggers nor checks of references, row by row: what they would keep is right as it is made.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    words = {"moment": _MOMENT[kind], "true": _TRUE[kind], "false": _FALSE[kind], "digest": _DIGEST[kind]}
    for table, (columns, values) in _TABLES.items():
        numbers = NUMBERS[kind].format(values.format(**words))
        count = size // 100 if table == "users" else size
        connection.execute(text(f"INSERT INTO {table} ({columns}) {numbers}"), {"size": count})


def first(service: Service, _: int) -> list[Request]:
    return [Request(f"{PROJECTS}?limit={PAGE}", service.headers)]


def deep(service: Service, size: int) -> list[Request]:
    """Nine tenths down the list, which begins with the newest."""
    search = f"q={quote(f'I Cohort {size // 600 // 10:05}')}"
    places = [next_cursor(service, f"{PROJECTS}?limit={count}&{search}") for count in range(1, 31)]
    return [Request(f"{PROJECTS}?limit={PAGE}&cursor={place}", service.headers) for place in places]


def by_word(service: Service, _: int) -> list[Request]:
    searches = [quote(f"{letter} Cohort 00000") for letter in LETTERS]
    return [Request(f"{PROJECTS}?limit={PAGE}&q={search}", service.headers) for search in searches]


def by_common_word(service: Service, _: int) -> list[Request]:
    return [Request(f"{PROJECTS}?limit={PAGE}&q={letter}", service.headers) for letter in LETTERS]


def by_tag(service: Service, _: int) -> list[Request]:
    return [Request(f"{PROJECTS}?limit={PAGE}&tag=tag{number}", service.headers) for number in range(10)]


def activity(service: Service, _: int) -> list[Request]:
    return [Request(f"/api/activity?limit={PAGE}", caller_headers(service.address, STAFF))]


FORMS: growth.Forms = {
    "projects, first": first,
    "projects, deep": deep,
    "projects, word, 60 match": by_word,
    "projects, word, a tenth match": by_common_word,
    "projects, tag, a tenth match": by_tag,
    "activity, first": activity,
}


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=1)
    series: list[Series] = []
    for kind in DATABASES:
        start = partial(filled, kind, fill=fill, caller=STUDENT)
        series += growth.measure(kind, start, FORMS, options)
    title = "A page of 50 out of a million projects"
    remarks = ("A million projects, a million pictures, a million tags, and ten thousand people.",)
    claims = tuple(growth.claims(tuple(FORMS)))
    finish(Result("large_portfolio", title, tuple(series), claims, remarks), options)


if __name__ == "__main__":
    main()
