"""Which address commands print: that of the site which runs, and never one that only they can open."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from homeroom.cli import address as addresses
from homeroom.cli.site import _local_api
from homeroom.config import load_config
from tests.conftest import PostgreSQL
from tests.servers import free_port, homeroom, serving


def run(settings: Mapping[str, str], *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "homeroom", *arguments],
        env=os.environ | dict(settings), cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_link_leads_to_the_site_that_runs(tmp_path: Path, command: str) -> None:
    settings = {"INSTANCE_PATH": str(tmp_path / "instance")}
    homeroom(settings, "prepare")
    with serving(settings, command=command) as first:
        port = first.address.rpartition(":")[2]
        assert f"http://localhost:{port}/join/#code=" in homeroom(settings, "user", "code", "admin")
        with serving(settings, command=command) as second:
            other = second.address.rpartition(":")[2]
            assert f"http://localhost:{other}/join/#code=" in homeroom(settings, "user", "code", "admin")
            second.process.terminate()
            second.process.wait(60)
        assert f"http://localhost:{port}/join/#code=" in homeroom(settings, "user", "code", "admin")


def test_a_server_does_not_take_the_place_of_where_the_public_finds_the_site(tmp_path: Path) -> None:
    settings = {"INSTANCE_PATH": str(tmp_path / "instance")}
    homeroom(settings, "prepare", "--site", "https://class.example.org")
    homeroom(settings, "user", "create", "ada", "--name", "Ada")
    with serving(settings):
        assert "https://class.example.org/join/#code=" in homeroom(settings, "user", "code", "admin")
    table = tmp_path / "codes.csv"
    homeroom(settings, "roster", "codes", "--csv", str(table))
    assert "https://class.example.org/join/#code=" in table.read_text(encoding="utf-8-sig")


def test_no_sheet_names_an_address_that_others_cannot_open(tmp_path: Path) -> None:
    settings = {"INSTANCE_PATH": str(tmp_path / "instance")}
    homeroom(settings, "prepare", "--site", "http://localhost:9201")
    homeroom(settings, "user", "create", "ada", "--name", "Ada")
    table = tmp_path / "codes.csv"
    assert "--site https://" in homeroom(settings, "roster", "codes", "--csv", str(table))
    assert "localhost" not in table.read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    "written", ["", "\n", 'http://evil" onclick', "javascript:1", "http://a/b", "\udcff"]
)
def test_a_file_that_holds_no_address_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path))
    (tmp_path / "address").write_text(written, encoding="utf-8", errors="surrogateescape")
    assert addresses.remembered_address() == addresses.DEFAULT_ADDRESS


def test_pages_on_a_port_of_their_own_ask_the_site_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path))
    assert (_local_api(4100), _local_api(5500)) == (None, "http://localhost:8086")
    addresses.remember_address("http://localhost:9201", load_config())
    assert (_local_api(4100), _local_api(5500)) == ("http://localhost:9201",) * 2
    addresses.remember_address("https://class.example.org", load_config())
    assert _local_api(4100) is None


NO_SITE = (
    r"There is no class site here: .* doesn't exist\.( |\n *→ )Go to the folder .* begins with `make run`\.\n"
)


@pytest.mark.parametrize("instance", ["none", "empty"])
@pytest.mark.parametrize(
    "command",
    [
        "user code admin",
        "roster codes --csv c.csv",
        "demo remove",
        "backup",
        "uploads sweep",
        "drill",
        "serve",
        "db current",
        "db downgrade",
    ],
)
def test_a_command_in_another_folder_makes_no_second_site(
    tmp_path: Path, command: str, instance: str
) -> None:
    if instance == "empty":
        (tmp_path / "instance").mkdir()
    before = list(tmp_path.rglob("*"))
    told = run({"INSTANCE_PATH": "instance"}, *command.split(), folder=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert re.fullmatch(f"Error: {NO_SITE}", told.stderr)
    assert list(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", ["user", "backup", "db"])
def test_help_needs_no_site(tmp_path: Path, command: str) -> None:
    assert run({"INSTANCE_PATH": "instance"}, command, "--help", folder=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_and_a_restore_make_no_site_either(tmp_path: Path) -> None:
    settings = {"INSTANCE_PATH": "instance"}
    told = run(settings, "doctor", folder=tmp_path)
    assert (told.returncode, bool(re.search(NO_SITE, told.stdout))) == (1, True)
    told = run(settings, "restore", "latest", "--yes", folder=tmp_path)
    assert (told.returncode, "No archives in" in told.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_no_key_is_made_for_a_site_whose_database_is_a_server(tmp_path: Path, postgresql: PostgreSQL) -> None:
    settings = {"INSTANCE_PATH": "instance", "DATABASE_URL": postgresql.shared}
    told = run(settings, "user", "code", "admin", folder=tmp_path)
    assert (told.returncode, bool(re.fullmatch(f"Error: {NO_SITE}", told.stderr))) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_host_may_be_a_name(tmp_path: Path) -> None:
    settings = {"INSTANCE_PATH": str(tmp_path / "instance")}
    homeroom(settings, "prepare")
    port = free_port()
    with serving(settings, port=port, options=("--host", "localhost")):
        assert requests.get(f"http://localhost:{port}/api/health/live", timeout=30).ok
    told = run(settings, "serve", "--host", "no.such.host.invalid", folder=tmp_path)
    assert (told.returncode, "isn't an address of this machine" in told.stderr) == (2, True)
