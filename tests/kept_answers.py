"""Which tests ask for what the read path answers from memory; nothing else can be different without it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
KEPT_PATHS = (
    *("/api/users", "/api/id", "/api/user", "/api/session", "/api/projects", "/api/portfolio"),
    *("/api/activity", "/api/overview"),
)
# Where answers over HTTP are what is tested. Elsewhere (files of pictures, archives, commands, pages) they
# are a means, and the same questions are asked in these.
ANSWERS_TESTED_IN = (
    "auth",
    "data",
    "operations/test_",
    "portfolio",
    "roster",
    "staff",
    "users",
    "web",
    "browser/test_users_page.py",
    "test_",
)


def may_differ(module: Path, test: str) -> bool:
    """Whether a test of a module could tell that the read path is away."""
    place = module.relative_to(TESTS).as_posix()
    return place.startswith(ANSWERS_TESTED_IN) and test in asking(module)


@cache
def asking(module: Path) -> frozenset[str]:
    """The names of a module whose code has one of the paths in it, or leads to a name whose code has."""
    names: dict[str, set[str]] = {}
    found: set[str] = set()
    for statement in ast.parse(module.read_text()).body:
        if isinstance(statement, ast.ImportFrom):
            found |= _imported(statement)
            continue
        for name in _defined(statement):
            names[name] = set(_used(statement))
            if _has_path(statement):
                found.add(name)
    while more := {name for name, used in names.items() if name not in found and used & found}:
        found |= more
    return frozenset(found)


def _imported(statement: ast.ImportFrom) -> set[str]:
    source = TESTS.parent / f"{(statement.module or '').replace('.', '/')}.py"
    if not source.is_relative_to(TESTS) or not source.exists():
        return set()
    found = asking(source)
    return {alias.asname or alias.name for alias in statement.names if alias.name in found}


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _used(statement: ast.stmt) -> Iterator[str]:
    """What it refers to; a parameter may be a fixture."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def _has_path(statement: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and any(path in node.value for path in KEPT_PATHS)
        for node in ast.walk(statement)
    )
