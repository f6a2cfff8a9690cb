"""Durable writes a second through the service, beside what SQLite alone commits one at a time.

Twenty students rename themselves by turns; each answer means that the row is on the disk (synchronous=FULL).
SQLite alone updates the same row of the same table in a transaction of its own, without waiting for others.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from harness.claims import Claim, interleave
from harness.homeroom import caller_headers, homeroom, prepare
from harness.load import load
from harness.mixtures import renames
from harness.people import make_class
from harness.results import Result
from harness.script import Options, run, tell

PEOPLE = make_class()
WRITERS = PEOPLE[-20:]


def commits_alone(path: Path, seconds: float) -> float:
    """Transactions a second of one row each, by one connection that does nothing else."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            connection.execute("BEGIN IMMEDIATE")
            name = f"Alone {count}"
            connection.execute(
                "UPDATE users SET name = ?, name_key = ? WHERE id = 50", (name, name.casefold())
            )
            connection.execute("COMMIT")
            count += 1
        return count / (time.perf_counter() - started)


def measure(options: Options, folder: Path) -> Result:
    # A database each: a writer of the one does not make the other wait.
    served, alone = prepare(folder / "served", PEOPLE), prepare(folder / "alone", PEOPLE)
    path = Path(alone["INSTANCE_PATH"]) / "homeroom.db"
    with homeroom(served) as service:
        wanted = renames([caller_headers(service.address, person.uid) for person in WRITERS])

        def through_service() -> float:
            return load(service, seconds=options.seconds, requests=wanted).requests_per_s

        probes = {
            "Through the service": through_service,
            "Only SQLite": lambda: commits_alone(path, options.seconds),
        }
        series = interleave(probes, rounds=options.rounds, unit="writes/s", tell=tell)
    claims = (Claim("of what SQLite by itself commits", "Through the service", "Only SQLite", at_least=0.25),)
    return Result("durable_writes", "Durable writes", series, claims)


if __name__ == "__main__":
    run(__doc__, measure, rounds=5, seconds=3)
