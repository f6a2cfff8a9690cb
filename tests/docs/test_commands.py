"""The commands that documents show are run as they're written.

Each document with shell commands gets a fresh copy of the repository, in which its blocks run in order, with
real servers. Three things differ from what a person would do:

- `make run` and `homeroom site serve` start in the background on free ports, and the test waits until they
  answer. Addresses in later commands name these ports.
- Other targets of `make` take minutes, or call the tests themselves. `make --dry-run` checks that they exist.
- `.venv` holds links to the environment that runs the tests, so that nothing is installed twice.

A block that needs more than a test machine has is marked in the document, with the reason. A block without a
mark is run, so nothing is skipped silently.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from werkzeug.security import generate_password_hash

from tests.conftest import PASSWORD
from tests.docs.blocks import Block, shell_blocks
from tests.docs.workspace import ROOT, Workspace

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/[!_]*/**/*.md")]
)
ROSTER = "uid,name,email,dob\nada,Ada Lovelace,ada@example.org,2010-12-10\ngrace,Grace Hopper,,2010-12-09\n"


def _prepare_site(workspace: Workspace) -> None:
    workspace.run(".venv/bin/homeroom prepare")


def _write_roster(workspace: Workspace) -> None:
    (workspace.folder / "class.csv").write_text(ROSTER)


def _write_roster_and_join(workspace: Workspace) -> None:
    _write_roster(workspace)
    workspace.run("make run")
    (code,) = re.findall(r"#code=(\S+)", workspace.output_of("api"))
    joined = requests.post(f"{workspace.api}/api/join", json={"code": code, "password": PASSWORD}, timeout=30)
    assert joined.ok, joined.text
    sign_in = {"uid": "admin", "password": PASSWORD}
    (workspace.folder / "sign-in.json").write_text(json.dumps(sign_in))


def _make_legacy_database(workspace: Workspace) -> None:
    _prepare_site(workspace)
    (workspace.folder / "old").mkdir()
    with closing(sqlite3.connect(workspace.folder / "old/sqlite.db")) as connection, connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, _uid, _name, _password, _role)")
        hashed = generate_password_hash(PASSWORD)
        connection.execute("INSERT INTO users VALUES (1, 'toby', 'Thomas Edison', ?, 'User')", [hashed])


# What a reader of the document already has.
PREPARE: dict[str, Callable[[Workspace], None]] = {
    "README.md": _write_roster,
    "docs/how-to/back-up-and-restore.md": _prepare_site,
    "docs/how-to/find-what-is-wrong.md": _prepare_site,
    "docs/how-to/import-a-roster.md": _write_roster_and_join,
    "docs/how-to/keep-pictures-on-s3.md": _prepare_site,
    "docs/how-to/take-over-a-legacy-database.md": _make_legacy_database,
}


def _blocks_to_run(document: Path) -> list[Block]:
    return [block for block in shell_blocks(document) if block.not_run is None]


def _name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "homeroom")
    yield made
    made.stop()


@pytest.mark.parametrize("document", [each for each in DOCUMENTS if _blocks_to_run(each)], ids=_name)
def test_the_commands_of_a_document_work(document: Path, workspace: Workspace) -> None:
    PREPARE.get(_name(document), lambda _: None)(workspace)
    for block in _blocks_to_run(document):
        assert block.commands, f"{_name(document)}:{block.line}: a block without a command"
        for command in block.commands:
            try:
                workspace.run(command, block.statuses)
            except AssertionError as error:
                raise AssertionError(f"{_name(document)}:{block.line}: {error}") from None


def test_every_preparation_belongs_to_a_document_that_runs() -> None:
    assert PREPARE.keys() <= {_name(document) for document in filter(_blocks_to_run, DOCUMENTS)}


def test_commands_that_are_not_run_name_homeroom_by_its_path_too() -> None:
    """Only a container and a machine that `install.sh` set up (`sudo homeroom`) have it in the PATH."""
    bare = re.compile(r"(^|[|;&]\s*)homeroom ", re.MULTILINE)
    found = {
        f"{_name(document)}:{block.line}: {command}"
        for document in DOCUMENTS
        for block in shell_blocks(document)
        for command in block.commands
        if bare.search(command)
    }
    assert found == set()


def test_a_block_is_run_unless_a_comment_says_why_not(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(
        "```console\n$ first \\\n    --option\noutput\n$ second\n```\n\n"
        "<!-- not run: needs Docker -->\n```sh\nthird\n```\n\n"
        "- In a list:\n\n  <!-- may exit with 1 or 3: a judgement -->\n  ```sh\n  # why\n  fourth\n  ```\n\n"
        "```ini\nA=1\n```\n"
    )
    assert list(shell_blocks(document)) == [
        Block(1, ("first \\\n    --option", "second")),
        Block(9, ("third",), not_run="needs Docker"),
        Block(16, ("fourth",), statuses=frozenset({0, 1, 3})),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!-- not run: needs Docker -->\n\nA paragraph.\n", "no block of commands follows"),
        ("<!-- not run: needs Docker -->\n\n```ini\nA=1\n```\n", "no block of commands follows"),
        ("```text\n$ make run\n```\n", "call it `console`"),
        ("```\n$ make run\n```\n", "call it `console`"),
    ],
)
def test_a_stray_comment_or_an_unnamed_block_is_an_error(tmp_path: Path, text: str, reason: str) -> None:
    document = tmp_path / "page.md"
    document.write_text(text)
    with pytest.raises(ValueError, match=reason):
        list(shell_blocks(document))


def test_a_command_that_fails_or_is_unknown_fails(workspace: Workspace) -> None:
    for command in (
        ".venv/bin/homeroom no-such-command",
        "homeroom --help",
        "make no-such-target",
        "false | cat",
        "false && make run",
    ):
        with pytest.raises(AssertionError):
            workspace.run(command)
