"""Each rule has one place: what is decided there is decided nowhere else in the source."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import homeroom

SOURCE = Path(homeroom.__path__[0])
MAX_LINES = 300


def modules() -> Iterator[tuple[str, str]]:
    """Each module's place below the package, and its text."""
    for path in SOURCE.rglob("*.py"):
        yield path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")


def compares_a_role(source: str) -> bool:
    """Whether somebody's role, or one by name, is compared with anything but None."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            if any(map(_is_role, parts)) and not any(map(_is_none, parts)):
                return True
    return False


def _is_role(part: ast.expr) -> bool:
    return isinstance(part, ast.Attribute) and (part.attr == "role" or ast.unparse(part.value) == "Role")


def _is_none(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is None


def test_roles_are_compared_in_permissions_alone() -> None:
    assert compares_a_role("if user.role == wanted: ...")
    assert compares_a_role("allowed = user.role not in (Role.ADMIN,)")
    assert not compares_a_role("if changes.role is None: ...")
    comparing = [place for place, text in modules() if compares_a_role(text)]
    assert [place for place in comparing if not place.endswith("permissions.py")] == []
    asking = [place for place, text in modules() if "is_staff" in text]
    assert [place for place in asking if not place.endswith("permissions.py")] == []


def test_only_the_web_knows_http_errors() -> None:
    places = [place for place, text in modules() if "werkzeug.exceptions" in text]
    assert places
    assert [place for place in places if not place.startswith("web/")] == []


def test_only_one_module_waits_for_the_disk_and_one_opens_buckets() -> None:
    assert [place for place, text in modules() if "fsync(" in text] == ["data/files.py"]
    assert [place for place, text in modules() if "S3Store.from_url" in text] == ["data/buckets.py"]


def test_at_the_top_there_is_what_knows_every_part() -> None:
    listed = subprocess.run(
        ["git", "ls-files", ":(glob)src/homeroom/*.py"],
        cwd=SOURCE.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {Path(line).stem for line in listed.stdout.splitlines()} <= {
        *("__init__", "__main__", "app", "config", "wsgi"),
    }


def test_no_module_is_long() -> None:
    long = {place: len(text.splitlines()) for place, text in modules()}
    assert {place: lines for place, lines in long.items() if lines > MAX_LINES} == {}
