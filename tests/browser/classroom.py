"""A class for the browser tests: the real programs as processes, and people who have joined.

They run on ports that are free, whatever else this machine runs, and are ended by their own handles.
Where a page names the contract's ports (`config.js` looks for 8086 from 4100), the browser maps them.
"""

import csv
import json
import os
import re
import subprocess
import sys
import time
import unicodedata
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from homeroom.cli import main
from homeroom.config import Config
from tests.servers import free_ports

API_PORT, SITE_PORT, LESSON_PORT, FAR_PORT, PAGES_PORT, SILENT_PORT = free_ports(6)
API = f"http://localhost:{API_PORT}"
# What the contract names, and where it is here: `config.js` knows the API from port 4100 at 8086.
MAPPED_PORTS = {8086: API_PORT, 4100: SITE_PORT}
SECOND_ORIGINS = ("http://localhost:4100", "http://127.0.0.1:4100")
LESSON_ORIGIN = f"http://localhost:{LESSON_PORT}"
PAGES_ORIGIN = f"http://localhost:{PAGES_PORT}"
PASSWORD = "correct horse battery"
START_TIMEOUT_S = 60
FIRST_NAMES = (
    *("Aiko", "Amara", "Björn", "Chiara", "Diego", "Elif", "Emma", "Fatima", "Grace", "Hana"),
    *("Ivan", "José", "Kwame", "Leila", "Linus", "Mateo", "Mei", "Nadia", "Noah", "Olga"),
    *("Priya", "Samuel", "Tomás", "Zoë"),
)
LAST_NAMES = (
    *("Adeyemi", "Ångström", "Bauer", "Chen", "Costa", "Diallo", "Fernández", "Haddad", "Hopper"),
    *("Ito", "Johnson", "Kim", "Mensah", "Novak", "O'Brien", "Okafor", "Raman", "Rossi", "Schmidt"),
    "Çelik",
)
STUDENTS = 120
# Sorts behind the class, so that the first page is as a class would see it.
# The server takes no `<`; what looks like one to a page that decodes too much, it does.
HOSTILE_NAME = "Zzz &lt;img src=x onerror=\"document.title='run'\"&gt;"


@dataclass(frozen=True)
class Member:
    """Somebody who has joined and knows their password."""

    uid: str
    name: str
    password: str = PASSWORD


class Homeroom:
    """A running server with its own database, and the command line beside it."""

    url = API

    def __init__(self, folder: Path, *, read_path: str) -> None:
        self.folder = folder
        self._invited: Counter[str] = Counter()
        outside = {name: value for name, value in os.environ.items() if not _is_setting(name)}
        self.environment = outside | {
            "INSTANCE_PATH": str(folder / "instance"),
            "FRONTEND_ORIGINS": ",".join((*SECOND_ORIGINS, LESSON_ORIGIN, PAGES_ORIGIN)),
            "READ_PATH": read_path,
            "COLUMNS": "200",
        }

    def command(self, *arguments: str) -> str:
        """What `homeroom …` prints; a failure fails the test with its words."""
        done = subprocess.run(
            [sys.executable, "-m", "homeroom", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            pytest.fail(f"homeroom {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def invite(self, uid: str, name: str, role: str = "User") -> str:
        """The one-time link of a new account; in this process, as starting another takes a second."""
        return self._invite(self._unused(uid), name, role)

    def _unused(self, uid: str) -> str:
        """An ID like this one: a test that runs in each language invites the same person again."""
        self._invited[uid] += 1
        return uid if self._invited[uid] == 1 else f"{uid}-{self._invited[uid]}"

    def _invite(self, uid: str, name: str, role: str) -> str:
        """The link of an account with exactly this ID."""
        command = ["user", "create", uid, "--name", name, "--role", role, "--site", self.url]
        done = CliRunner(env=self.environment).invoke(main, command)
        found = re.search(r"http\S+/join/#code=\S+", done.output)
        assert found, done.output
        return found.group()

    def add_member(self, uid: str, name: str, role: str = "User") -> Member:
        """A new account that has joined."""
        uid = self._unused(uid)
        code = self._invite(uid, name, role).partition("code=")[2]
        body = json.dumps({"code": code, "password": PASSWORD}).encode()
        request = urllib.request.Request(f"{self.url}/api/join", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=START_TIMEOUT_S) as answer:
            assert answer.status == 200
        return Member(uid, name)


def _is_setting(variable: str) -> bool:
    return variable.lower() in Config.model_fields


class Running:
    """A `homeroom` process; what it prints goes to a file that a failing start can show."""

    def __init__(self, homeroom: Homeroom, *arguments: str) -> None:
        self.arguments = arguments
        self.log = homeroom.folder / f"{'-'.join(arguments).replace('/', '_')}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "homeroom", *arguments],
                env=homeroom.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until_ready(url: str, alive: Running) -> None:
    """Return once the address answers 200; a program that ended instead is told with its log."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if alive.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"homeroom {' '.join(alive.arguments)} did not start:\n{alive.log.read_text()}")


def write_roster(path: Path) -> None:
    """A class as a school's system exports it: names of many languages, some dates missing."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Last Name", "First Name", "Student ID", "Birthdate"))
        for number in range(STUDENTS):
            first = FIRST_NAMES[number % len(FIRST_NAMES)]
            # 24 first and 20 last names; 7 and 11 share no factor with 20, so no name comes twice.
            last = LAST_NAMES[(7 * (number % 24) + 11 * (number // 24)) % 20]
            born = date(2010 + number // 5 % 3, number % 12 + 1, number % 28 + 1)
            writer.writerow((last, first, _uid(first, last), "" if number % 17 == 5 else born))


def _uid(first: str, last: str) -> str:
    decomposed = unicodedata.normalize("NFKD", f"{first}.{last}".lower())
    return re.sub(r"[^a-z.]", "", decomposed)
