"""Clients that others generate from the OpenAPI document work: a linter, two generators, two journeys."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.conftest import KEY
from tests.servers import Server, homeroom, serving

HERE = Path(__file__).parent
NODE = HERE / "node"
HOW_TO = HERE.parent.parent / "docs/how-to"
NODE_MISSING = (
    "npm is missing, so neither Spectral nor the TypeScript client is tested. Install Node.js 20 or newer."
)


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What a command prints; a failure fails the test."""
    here = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "NO_COLOR": "1", **environment}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A class that anybody may join."""
    folder = tmp_path_factory.mktemp("server")
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/homeroom.db",
        "INSTANCE_PATH": str(folder),
        "SECRET_KEY": KEY,
        "LOG_LEVEL": "ERROR",
        "DISK_RESERVE_MB": "0",
        "REGISTRATION": "open",
    }
    homeroom(settings, "db", "upgrade")
    with serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def packages() -> Path:
    """Node's packages, as the lock names them; installed where they are not yet."""
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail(NODE_MISSING)
        pytest.skip(NODE_MISSING)
    installed, lock = NODE / "node_modules/.homeroom-lock", (NODE / "package-lock.json").read_text()
    if not installed.exists() or installed.read_text() != lock:
        run("npm", "ci", "--prefer-offline", folder=NODE)
        installed.write_text(lock)
    return NODE / "node_modules"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.new("RGB", (640, 480), "seagreen").save(path)
    return path


def documented_command(beginning: str, server: Server) -> list[str]:
    """A command of the how-to, with the address of this server in it."""
    page = (HOW_TO / "generate-a-client.md").read_text()
    (command,) = re.findall(rf"^{beginning} .*$", page, re.MULTILINE)
    return command.replace("http://localhost:8086", server.address).split()


def test_spectral_finds_nothing_to_warn_of(server: Server, packages: Path, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(requests.get(server.url("/api/openapi.json"), timeout=30).text)
    spectral = packages / ".bin/spectral"
    said = run(
        *(spectral, "lint", "openapi.json", "--ruleset", NODE / "spectral.yaml"),
        *("--fail-severity", "hint", "--display-only-failures"),
        folder=tmp_path,
    )
    assert "No results with a severity of 'hint' or higher found!" in said


def test_a_python_client_walks_a_students_day(server: Server, picture: Path, tmp_path: Path) -> None:
    shutil.copy(HOW_TO / "openapi-python-client.yaml", tmp_path)
    shutil.copy(HERE / "journey.py", tmp_path)
    said = run(*documented_command("openapi-python-client", server), folder=tmp_path)
    # What it cannot use it leaves out, with a warning.
    assert said.split() == ["Generating", "homeroom_client"]

    check = ("--strict", "--follow-imports=silent", "--config-file=", "journey.py")
    assert "Success" in run(sys.executable, "-m", "mypy", *check, folder=tmp_path)
    # The journey imports some of the modules; each has to be good Python.
    everything = (
        "import pkgutil, homeroom_client as client;"
        "[__import__(found.name) for found in pkgutil.walk_packages(client.__path__, 'homeroom_client.')]"
    )
    run(sys.executable, "-c", everything, folder=tmp_path)

    told = run(sys.executable, "journey.py", server.address, str(picture), folder=tmp_path)
    # Another client's student may be there already.
    assert [line for line in told.splitlines() if not line.startswith("Grace Hopper:")] == [
        "Signed in as Ada Lovelace",
        "Chose " + re.findall(r"^Chose (/api/users/\d+/picture/avatar\.webp\S*)$", told, re.MULTILINE)[0],
        "A weather station by Ada Lovelace",
        "Ada Lovelace: rw",
        "Signed out",
        "401: Authentication Token is missing!",
    ]


def test_a_typescript_client_walks_a_students_day(
    server: Server, packages: Path, picture: Path, tmp_path: Path
) -> None:
    for name in ("package.json", "tsconfig.json", "journey.ts"):
        shutil.copy(NODE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)
    run(*documented_command("npx openapi-typescript", server), folder=tmp_path)
    run(*documented_command("npx tsc", server), folder=tmp_path)

    told = run("node", "build/journey.js", server.address, str(picture), folder=tmp_path)
    lines = told.splitlines()
    assert re.fullmatch(r"Uploaded /api/uploads/\d+/page\.webp", lines.pop(1))
    assert re.fullmatch(r"Grace Hopper: /api/users/\d+/picture/avatar\.webp\S*", lines.pop(-3))
    assert [line for line in lines if not line.startswith("Ada Lovelace:")] == [
        "Signed in as Grace Hopper",
        "A compiler by Grace Hopper: languages",
        "Signed out",
        "401: Authentication Token is missing!",
    ]
