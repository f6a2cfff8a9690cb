"""Sign-ins a second beside what the hash function alone allows on the same cores.

The hash runs in a process a core; the service signs a hundred people in by turns, each with the right word.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from harness.claims import Claim, interleave
from harness.homeroom import CORES, homeroom, prepare
from harness.load import Request, load
from harness.people import PASSWORD, make_class
from harness.results import Result
from harness.script import Options, run, tell
from homeroom.auth.passwords import hash_password, verify_password

PEOPLE = make_class()
CONNECTIONS = 16


def verify_for(seconds: float, stored: str) -> float:
    """How often a second one process verifies the right password."""
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        verify_password(PASSWORD, stored)
        count += 1
    return count / (time.perf_counter() - started)


def sign_ins() -> list[Request]:
    headers = {"Content-Type": "application/json"}
    return [
        Request("/api/authenticate", headers, "POST", f'{{"uid": "{person.uid}", "password": "{PASSWORD}"}}')
        for person in PEOPLE
    ]


def measure(options: Options, folder: Path) -> Result:
    stored, wanted = hash_password(PASSWORD), sign_ins()
    fresh = multiprocessing.get_context("spawn")
    with (
        homeroom(prepare(folder, PEOPLE)) as service,
        ProcessPoolExecutor(CORES, mp_context=fresh) as pool,
    ):
        # The processes are there before they are measured.
        list(pool.map(verify_for, [0.2] * CORES, [stored] * CORES))

        def hash_alone() -> float:
            return sum(pool.map(verify_for, [options.seconds] * CORES, [stored] * CORES))

        def signed_in() -> float:
            return load(
                service, seconds=options.seconds, connections=CONNECTIONS, requests=wanted
            ).requests_per_s

        probes = {"Sign-ins": signed_in, "Only the hash": hash_alone}
        series = interleave(probes, rounds=options.rounds, unit="a second", tell=tell)
    claims = (Claim("of what the hash by itself allows", "Sign-ins", "Only the hash", at_least=0.9),)
    remarks = (f"{CONNECTIONS} sign-ins at once, each written durably to SQLite.",)
    return Result("sign_in", "Sign-in", series, claims, remarks)


if __name__ == "__main__":
    run(__doc__, measure, rounds=8, seconds=2)
