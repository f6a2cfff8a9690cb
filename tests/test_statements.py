"""How many SQL statements each action costs: counted, and compared with the table in the documentation."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event
from werkzeug.test import TestResponse

from tests.conftest import MakePerson, Person
from tests.permissions import ACTIONS, CALLERS, Scene

PAGE = Path(__file__).parents[1] / "docs/reference/statements.md"
# What begins and shapes a transaction is no statement of the action.
_FRAME = re.compile(r"BEGIN|SAVEPOINT|RELEASE|PRAGMA|SET LOCAL|SELECT set_config|SELECT pg_catalog|SHOW ")


@dataclass
class Cost:
    """The statements and commits of one request."""

    statements: int = 0
    commits: int = 0

    def at_most(self, other: "Cost") -> bool:
        return self.statements <= other.statements and self.commits <= other.commits


@contextmanager
def counting() -> Iterator[Cost]:
    """What this thread does: last uses of sessions are written by another one."""
    cost, thread = Cost(), threading.get_ident()

    def execute(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if threading.get_ident() == thread and not _FRAME.match(statement):
            cost.statements += 1

    def commit(_connection: Connection) -> None:
        cost.commits += threading.get_ident() == thread

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", commit)
    try:
        yield cost
    finally:
        event.remove(Engine, "before_cursor_execute", execute)
        event.remove(Engine, "commit", commit)


def table() -> dict[str, Cost]:
    """The rows of the page, by action."""
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {action: Cost(int(statements), int(commits)) for action, statements, commits in rows}


def test_the_table_has_every_action() -> None:
    assert table().keys() == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_costs_no_more_statements_than_the_table_says(
    app: APIFlask, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    costs: dict[str, Cost] = {}
    open_one = FlaskClient.open

    for caller in CALLERS:

        def note(client: FlaskClient, *args: Any, caller: str = caller, **kwargs: Any) -> TestResponse:
            # What is asked last is the action; before it the scene is set.
            with counting() as costs[caller]:
                return open_one(client, *args, **kwargs)

        monkeypatch.setattr(FlaskClient, "open", note)
        answer = ACTIONS[action](Scene(app, make_person, caller))
        if isinstance(answer, TestResponse):
            answer.close()
    allowed = table()[action]
    assert {caller: cost for caller, cost in costs.items() if not cost.at_most(allowed)} == {}


@pytest.mark.parametrize("path", ["/api/users/", "/api/projects/1", "/api/greeting/"])
def test_an_ended_session_is_refused_by_one_statement(app: APIFlask, ada: Person, path: str) -> None:
    token = ada.client.get_cookie("jwt")
    assert token is not None
    assert ada.client.delete("/api/authenticate").status_code == 200
    client = app.test_client(use_cookies=False)
    with counting() as cost:
        answer = client.get(path, headers={"Cookie": f"jwt={token.value}"})
    # A project is asked for once more, as by a guest.
    assert (answer.status_code, cost.statements) == ((404, 2) if "projects" in path else (401, 1))
