"""The repository keeps its own promises: documented settings and commands, locks without addresses."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from homeroom.cli import COMMANDS, main
from homeroom.config import Config

ROOT = Path(__file__).parent.parent
# Put together here, so that they stand in no file, this one included.
INDEX_HOSTS = re.compile(
    "|".join(
        ("py" + r"pi\.org", "python" + r"hosted", r"registry\." + "npm", "deb" + r"\.debian", "jsde" + "livr")
    )
)


def committed_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_the_address_of_a_package_index() -> None:
    files = committed_files()
    assert len(files) > 50
    named = [path.name for path in files if INDEX_HOSTS.search(path.read_text(errors="replace"))]
    assert named == []


def test_every_setting_reaches_the_container() -> None:
    passed_on = set(re.findall(r"^      - ([A-Z_]+)$", (ROOT / "compose.yaml").read_text(), re.M))
    # The image knows these itself.
    of_the_image = {"HOMEROOM_ENV", "INSTANCE_PATH", "VOLUME_PATH"}
    assert {name.upper() for name in Config.model_fields} - of_the_image <= passed_on


def test_no_script_takes_the_name_of_a_module_that_python_brings() -> None:
    """Python looks beside a script first: with an `operator.py` there, every script of the folder fails."""
    scripts = [
        path for path in committed_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")
    ]
    scripts += (ROOT / "bench").rglob("*.py")
    assert len(scripts) > 50
    assert [path.name for path in scripts if path.stem in sys.stdlib_module_names] == []


@pytest.mark.parametrize("name", ["run.txt", "dev.txt", "bench.txt"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    lock = (ROOT / "requirements" / name).read_text()
    packages = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", lock, flags=re.MULTILINE | re.DOTALL)
    assert len(packages) > 40
    assert all("==" in package and "--hash=sha256:" in package for package in packages)
    assert "://" not in lock


def test_what_the_site_brings_along_is_what_was_published() -> None:
    folder = ROOT / "src/homeroom/site/assets/vendor/uplot"
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sorted(sums) == sorted({path.name for path in folder.iterdir()} - {"SHA256SUMS"})
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    (pinned,) = re.findall(r"^UPLOT := (\S+)$", read("Makefile"), re.MULTILINE)
    assert f"(v{pinned})" in (folder / "uPlot.min.js").read_text()[:100]
    assert "MIT License" in (folder / "LICENSE").read_text()


@pytest.mark.parametrize("folder", ["bench/lighthouse", "tests/clients/node", "tests/site"])
def test_the_lock_of_node_packages_has_hashes_and_no_address(folder: str) -> None:
    packages = json.loads(read(f"{folder}/package-lock.json"))["packages"]
    # The first is the project itself.
    assert len(packages) > 40
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", read("docs/reference/settings.md"), re.MULTILINE))
    assert documented == {name.upper() for name in Config.model_fields}


def commands_of(group: click.Group, name: str) -> Iterator[str]:
    context = click.Context(group)
    for child_name in group.list_commands(context):
        child = group.get_command(context, child_name)
        path = f"{name} {child_name}"
        if isinstance(child, click.Group):
            yield from commands_of(child, path)
        else:
            yield path


def test_every_command_is_documented_and_says_what_it_does() -> None:
    documented = set(
        re.findall(r"^\| `(homeroom [a-z -]+)`", read("docs/reference/command-line.md"), re.MULTILINE)
    )
    commands = set(commands_of(main, "homeroom"))
    # Flask-Migrate documents its own; the one that everybody needs stands in the table.
    migrations = {command for command in commands if command.startswith("homeroom db ")}
    assert documented - migrations == commands - migrations
    assert "homeroom db upgrade" in documented
    assert len(COMMANDS) >= 9


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "SECURITY.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", read(document)):
            assert (ROOT / target).exists(), f"{document} links to {target}"


def read(name: str) -> str:
    return (ROOT / name).read_text()
