"""The table of operations: what is asked for, and what becomes of cells that are empty."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import psutil
import pytest

from tests.bench.scripts import run

# A developer may lack it, and is told; in CI nothing is skipped: without it, these tests fail there.
needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None and "CI" not in os.environ, reason="wrk is missing"
)


class Shelf(BaseHTTPRequestHandler):
    """Makes things and deletes them; it counts what it was asked."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[Counter[str]] = Counter()
    shelf: ClassVar[set[str]] = set()
    names: ClassVar[set[str]] = set()

    def _answer(self, status: int, body: str) -> None:
        self.seen[self.command] += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["uid"]
        self.names.add(name)
        self.shelf.add(f"id{name}")
        self._answer(201, json.dumps({"id": f"id{name}"}))

    def do_DELETE(self) -> None:
        self.shelf.remove(self.path.removeprefix("/things/"))
        self._answer(200, "{}")

    def do_GET(self) -> None:
        self._answer(401, "{}")

    def log_message(self, *_: object) -> None:
        """Nothing: a test says what it found."""


@contextmanager
def shelf() -> Iterator[str]:
    Shelf.seen.clear()
    Shelf.names.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@needs_wrk
def test_a_sequence_that_began_is_ended_and_counts_once() -> None:
    from harness.processes import Service
    from harness.sequences import Step, load_sequences

    made = Step("/things/", {}, "POST", '{"uid": "{unique}"}', 201, keep={"id": '"id": ?"(%w+)"'})
    with shelf() as address:
        service = Service("shelf", address, psutil.Process())
        told = load_sequences(
            service, [[made, Step("/things/{id}", {}, "DELETE")]], seconds=0.2, connections=3
        )
    assert told.requests > 3
    assert Shelf.seen == {"POST": told.requests, "DELETE": told.requests}
    assert len(Shelf.names) == told.requests
    assert Shelf.shelf == set()
    assert 0 < told.p50_ms <= told.p99_ms


@needs_wrk
def test_a_wrong_answer_within_a_sequence_is_no_measurement() -> None:
    from harness.processes import Service
    from harness.sequences import Step, load_sequences
    from harness.wrk import UnmeasurableError

    with shelf() as address, pytest.raises(UnmeasurableError, match="GET / was answered 401"):
        load_sequences(Service("shelf", address, psutil.Process()), [[Step("/")]], seconds=0.2, connections=2)


@needs_wrk
def test_a_refusal_counts_only_where_it_is_the_right_answer() -> None:
    from harness.load import Request, load
    from harness.processes import Service
    from harness.wrk import UnmeasurableError

    with shelf() as address:
        service = Service("shelf", address, psutil.Process())
        assert load(service, seconds=1, connections=2, requests=[Request("/", status=401)]).requests > 0
        with pytest.raises(UnmeasurableError, match="answers were errors"):
            load(service, seconds=1, connections=2, requests=[Request("/")])


def test_load_goes_to_this_machine_only() -> None:
    from harness import wrk

    with pytest.raises((ValueError, SystemExit)):
        wrk.command("http://192.0.2.1/", "load.lua", seconds=1, threads=1, connections=1)


def test_through_nginx_each_address_asks_seldom_enough() -> None:
    from harness.load import Request
    from harness.nginx import ADDRESSES, from_many_addresses

    spread = from_many_addresses([Request("/a", {"Cookie": "jwt=x"}), Request("/b")])
    addresses = Counter(request.headers["X-Bench-Address"] for request in spread)
    assert len(addresses) == ADDRESSES
    assert {request.path for request in spread} == {"/a", "/b"}
    assert spread[0].headers["Cookie"] == "jwt=x"
    assert set(addresses.values()) == {1}


def test_what_a_child_took_counts_for_its_service() -> None:
    from harness.consumption import cpu_seconds, family

    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    me = psutil.Process(os.getpid())
    before = cpu_seconds([me])
    child = subprocess.Popen([sys.executable, "-c", burn])
    assert child.pid in {process.pid for process in family([me])}
    child.wait()
    assert cpu_seconds([me]) - before >= 0.3


def test_every_claim_of_the_table_names_cells_of_it() -> None:
    from class_work.claims import LABELS, OTHERS, SHIPPED, WIRE, claims
    from class_work.operations import UNITS, Operation, series_name

    labels = [*(label for pair in LABELS.values() for label in pair), *OTHERS, SHIPPED, WIRE]
    cells = {series_name(row, label, end) for row in Operation for label in labels for end in UNITS}
    named = {name for claim in claims() for name in (claim.over, claim.under)}
    assert named <= cells


def test_an_empty_cell_says_why_and_a_failed_one_is_no_figure(tmp_path: Path) -> None:
    def cell(name: str, *problems: str) -> list[dict[str, object]]:
        ends = {"": "a second", ": p50": "ms", ": p99": "ms", ": CPU": "CPU s per 1,000", ": memory": "MB"}
        rounds = [] if problems else [10.0, 11.0, 12.0]
        return [
            {"name": name + end, "unit": unit, "rounds": rounds, "problems": list(problems)}
            for end, unit in ends.items()
        ]

    result = {
        "name": "operations",
        "title": "Every operation",
        "series": [*cell("Sign in, Homeroom"), *cell("Sign in, PocketBase", "port taken")],
        "claims": [],
        "remarks": [],
        "comparison": {
            "rows": ["Sign in"],
            "columns": ["Homeroom", "PocketBase", "FastAPI"],
            "absent": {"Sign in, FastAPI": "it has none"},
        },
    }
    (tmp_path / "operations.json").write_text(json.dumps(result))
    done = run("summary.py", "--results", str(tmp_path), "--docs", str(tmp_path), "--without-pictures")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reference" / "performance.md").read_text()
    (row,) = re.findall(r"^\| Sign in \| 11 .*$", page, re.MULTILINE)[:1]
    assert row == "| Sign in | 11 (11 ms) | – | not measured | – | – |"
    assert page.index("## Every operation\n") < page.index("## What we promise")
    assert "| Sign in | FastAPI | it has none |" in page
    assert page.count("Not measured: Sign in, PocketBase: port taken") == 1
    assert "| Sign in | Homeroom | 11 | 11 | 11 | 11 | 11 |" in page
