"""Lists cost what a page costs, however large the class: the databases' own plans say so."""

import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from sqlalchemy import insert, text

from homeroom.auth.models import User
from homeroom.data.transactions import write_transaction
from tests.conftest import Person
from tests.plans import plans

# Enough that PostgreSQL prefers an index by itself.
USERS = 20_000
# PostgreSQL may sort what it takes to be no more than a page. Whether it does depends on what its last look
# at the table happened to see, so what is held is what it costs: the rows that went into the sort.
FEW_ROWS = 200

Plan = Callable[[str], list[str]]


@pytest.fixture
def plans_of(app: APIFlask, ada: Person) -> Plan:
    """Asks for a list and returns the plan of each statement that read users to answer it."""
    rows = [
        {
            "uid": f"u{n:06}",
            "uid_key": f"u{n:06}",
            "name": f"N {n:06}",
            "name_key": f"n {n:06}",
            "role": "User",
        }
        for n in range(USERS)
    ]
    with app.app_context():
        with write_transaction() as session:
            session.execute(insert(User), rows)
        with write_transaction() as session:
            session.execute(text("ANALYZE"))

    def ask(query: str) -> list[str]:
        def read() -> None:
            answer = ada.client.get(f"/api/users/?{query}")
            assert answer.status_code == 200
            assert len(answer.json) > 0 or "+x" in query

        return plans(
            app, read, lambda sql: bool(re.search(r"FROM users\b", sql)) and "LIMIT" in sql, analyze=True
        )

    return ask


def rows_sorted(plan: str) -> int:
    """How many rows of users or of words of names a statement sorted; all of them on SQLite, if any."""
    if "TEMP B-TREE" in plan:
        return USERS
    # Under each sort stands the node that it takes its rows from, with their number for each loop.
    sorts = re.findall(
        r"Sort Key: [^\n]*(?:users|name_words)[^\n]*\n.*?->[^\n]*actual time=\S+ rows=([\d.]+) loops=(\d+)",
        plan,
        re.DOTALL,
    )
    return int(sum(float(rows) * int(loops) for rows, loops in sorts))


_SCAN = re.compile(r"Seq Scan on (users|name_words)|SCAN (users|name_words\w*)(?! USING)")
QUERIES = (
    "limit=50",
    "limit=50&sort=-name",
    "limit=50&sort=uid",
    "limit=50&sort=-id",
    "limit=50&q=n+0",
    "limit=50&q=u0&sort=uid",
    "limit=50&q=u0&sort=-uid",
    "limit=50&sort=name&cursor=WyJuIDAxNTAwMCIsMTUwMDBd",
    "limit=50&sort=uid&cursor=WyJ1MDE1MDAwIiwxNTAwMF0",
    "limit=50&q=n+0&cursor=0.WyJuIDAxNTAwMCIsMTUwMDBd",
    "limit=50&q=0",
    "limit=1000&q=0&sort=-name",
    "limit=50&q=0001",
    "limit=50&q=01&sort=uid",
    "limit=50&q=0&cursor=1.WyIwMTUwMDAgbiIsMTUwMDBd",
)
# Each word belongs to everybody, to a few, to nobody.
SEVERAL_WORDS = ("limit=50&q=0+n", "limit=1000&q=00019+n", "limit=50&q=00019+n+x")


def test_every_list_is_read_along_an_index_and_hardly_sorted(plans_of: Plan) -> None:
    for query in QUERIES:
        plans = plans_of(query)
        assert plans, query
        for plan in plans:
            assert rows_sorted(plan) <= FEW_ROWS, (query, plan)
            # Along the row ids of SQLite is along an index, too.
            assert "sort=-id" in query or not _SCAN.search(plan), (query, plan)


def test_a_search_for_several_words_looks_along_an_index_for_the_rarest(plans_of: Plan) -> None:
    """What it finds is sorted: it is never more than `MAX_CANDIDATES`."""
    for query in SEVERAL_WORDS:
        plans = plans_of(query)
        assert plans, query
        for plan in plans:
            assert not _SCAN.search(plan), (query, plan)
