"""Who may do what: every route is asked as everybody, and compared with the table in the documentation."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import MakePerson
from tests.permissions import ACTIONS, CALLERS, Scene

PAGE = Path(__file__).parents[1] / "docs/reference/permissions.md"
YES = "yes"


@dataclass(frozen=True)
class Row:
    """One action: the routes that it is done by, and what each caller gets."""

    action: str
    routes: frozenset[str]
    cells: dict[str, str]


def table() -> dict[str, Row]:
    """The rows of all the page's tables, by action."""
    rows: dict[str, Row] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        columns = [column.strip() for column in line.strip("|").split("|")]
        # Smaller tables explain the words.
        if not line.startswith("| ") or columns[0] == "Action" or len(columns) < len(CALLERS):
            continue
        action, routes, *cells = columns
        assert action not in rows, f"two rows say {action}"
        assert len(cells) == len(CALLERS), line
        rows[action] = Row(
            action, frozenset(re.findall(r"`([^`]+)`", routes)), dict(zip(CALLERS, cells, strict=True))
        )
    return rows


def test_every_route_is_in_the_table(app: APIFlask) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    listed = frozenset[str]().union(*(row.routes for row in table().values()))
    assert sorted(routes - listed) == []
    assert sorted(listed - routes) == []


def test_every_action_of_the_table_is_asked() -> None:
    assert table().keys() == ACTIONS.keys()


def cell(answer: TestResponse | str) -> str:
    if isinstance(answer, str):
        return answer
    with answer:
        return YES if answer.status_code < 300 else str(answer.status_code)


@pytest.mark.parametrize("action", ACTIONS)
def test_everybody_gets_what_the_table_says(
    app: APIFlask, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    row = table()[action]
    got, asked = {}, []
    routes = app.url_map.bind("localhost")
    open_one = FlaskClient.open

    def note(client: FlaskClient, *args: Any, **kwargs: Any) -> TestResponse:
        answer = open_one(client, *args, **kwargs)
        rule, _ = routes.match(answer.request.path, method=answer.request.method, return_rule=True)
        asked.append(f"{answer.request.method} {rule.rule}")
        return answer

    monkeypatch.setattr(FlaskClient, "open", note)
    for caller in CALLERS:
        got[caller] = cell(ACTIONS[action](Scene(app, make_person, caller)))
        # What was asked last is the action; before it the scene was set.
        assert asked[-1] in row.routes
    assert got == row.cells
