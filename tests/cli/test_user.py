"""`homeroom user` and `homeroom demo`: accounts by hand, and the demo class in and out."""

import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from click.testing import CliRunner, Result
from flask.cli import ScriptInfo

from homeroom.cli import HomeroomGroup, main
from tests.conftest import PASSWORD, MakePerson, Person

Run = Callable[..., Result]


@pytest.fixture
def run(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("homeroom.cli._make_app", lambda: app)

    def run_command(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run_command


def code_in(output: str) -> str:
    (code,) = re.findall(r"https?://\S+/join/#code=([0-9A-Z-]{14})", output)
    return code


def test_an_account_is_made_and_joined_by_its_link(run: Run, app: APIFlask) -> None:
    done = run(
        "user", "create", "grace", "--name", "Grace Hopper", "--role", "Admin", "--site", "https://c.org/"
    )
    assert done.exit_code == 0
    assert "https://c.org/join/#code=" in done.output
    client = app.test_client()
    joined = client.post("/api/join", json={"code": code_in(done.output), "password": PASSWORD})
    assert joined.json["user"] == {"id": 1, "uid": "grace", "name": "Grace Hopper", "role": "Admin"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["ada", "--name", "Ada"], "already uses this ID"),
        (["with space", "--name", "X"], "no spaces"),
        (["new", "--name", "\u202eevil"], "invisible character U+202E"),
        (["new", "--name", " "], "can't be empty"),
    ],
)
def test_an_account_that_may_not_be_is_refused(
    run: Run, ada: Person, arguments: list[str], reason: str
) -> None:
    done = run("user", "create", *arguments)
    assert done.exit_code == 1
    assert reason in done.output
    assert len(done.output.splitlines()) == 1


def test_a_forgotten_password_is_a_new_code(run: Run, ada: Person, app: APIFlask) -> None:
    first = code_in(run("user", "code", "ADA").output)
    second = code_in(run("user", "code", "ada").output)
    client = app.test_client()
    assert client.post("/api/join", json={"code": first, "password": PASSWORD}).status_code == 404
    assert client.post("/api/join", json={"code": second, "password": "brand new one"}).status_code == 200
    assert ada.client.get("/api/id").status_code == 401


def test_a_role_is_given_and_counts_at_once(run: Run, ada: Person) -> None:
    assert ada.client.get("/api/id").json["role"] == "User"
    assert run("user", "role", "ada", "Teacher").exit_code == 0
    assert ada.client.get("/api/id").json["role"] == "Teacher"
    assert run("user", "role", "ada", "King").exit_code == 2


def test_the_last_admin_keeps_the_role(run: Run, admin: Person) -> None:
    done = run("user", "role", "admin", "User")
    assert done.exit_code == 1
    assert "last admin" in done.output
    assert admin.client.get("/api/id").json["role"] == "Admin"


def test_a_pending_account_is_admitted(run: Run, make_person: MakePerson, ada: Person) -> None:
    eve = make_person("eve", pending=True)
    assert eve.client.get(f"/api/users/{ada.id}").status_code == 404
    assert run("user", "admit", "eve").exit_code == 0
    assert eve.client.get(f"/api/users/{ada.id}").status_code == 200


@pytest.mark.parametrize("command", [["code"], ["admit"], ["role"]])
def test_an_unknown_id_is_said(run: Run, command: list[str]) -> None:
    done = run("user", *command, "nobody", *(["User"] if command == ["role"] else []))
    assert done.exit_code == 1
    assert "No user has the ID 'nobody'." in done.output


def test_the_demo_class_comes_and_goes_without_touching_anyone_else(
    run: Run, ada: Person, make_person: MakePerson
) -> None:
    make_person("demo-mine", name="Mine (demo)", signed_in=False)
    assert "24" in run("demo", "load").output
    assert "Made 0" in run("demo", "load").output
    assert len(ada.client.get("/api/users/").json) == 26
    assert "24" in run("demo", "remove").output
    assert {user["uid"] for user in ada.client.get("/api/users/").json} == {"ada", "demo-mine"}


def test_help_names_every_command() -> None:
    assert isinstance(main, HomeroomGroup)
    done = CliRunner().invoke(main, ["--help"], obj=ScriptInfo())
    assert done.exit_code == 0
    for name in ("run", "serve", "roster", "user", "import-legacy", "site", "demo", "db", "secret-key"):
        assert f"\n  {name} " in done.output


@pytest.mark.parametrize("site", ["nonsense", "javascript:alert(1)", "https://c.org/path"])
def test_a_link_leads_to_a_site_and_to_nothing_else(run: Run, ada: Person, site: str) -> None:
    done = run("user", "code", "ada", "--site", site)
    assert done.exit_code == 2
    assert "#code=" not in done.output
