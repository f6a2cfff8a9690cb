"""The directory while forty people sign in at the same moment, beside the directory when all is quiet."""

import multiprocessing
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import requests

from harness.homeroom import homeroom, prepare
from harness.people import PASSWORD, make_class
from harness.results import Result
from harness.script import Options, run
from harness.storm import CLAIMS, STORMS_PER_ROUND, measure_storms

PEOPLE = make_class()
SIGN_INS = 40
NO_ANSWER = 0


def storm(address: str) -> str:
    """Forty sign-ins at once; how they were answered, if not all as they should be."""
    gate = threading.Barrier(SIGN_INS)

    def sign_in(uid: str) -> int:
        gate.wait()
        body = {"uid": uid, "password": PASSWORD}
        try:
            return requests.post(f"{address}/api/authenticate", json=body, timeout=60).status_code
        except requests.RequestException:
            return NO_ANSWER

    with ThreadPoolExecutor(SIGN_INS) as pool:
        statuses = Counter(pool.map(sign_in, [person.uid for person in PEOPLE[:SIGN_INS]]))
    return "" if statuses == {200: SIGN_INS} else f"sign-ins were answered {dict(statuses)}"


def measure(options: Options, folder: Path) -> Result:
    fresh = multiprocessing.get_context("spawn")
    with (
        homeroom(prepare(folder, PEOPLE), caller=PEOPLE[-1].uid) as service,
        ProcessPoolExecutor(1, mp_context=fresh) as pool,
    ):
        series = measure_storms(service, lambda: pool.submit(storm, service.address), options)
    remarks = (f"At least {STORMS_PER_ROUND} storms of {SIGN_INS} sign-ins in each round.",)
    return Result("sign_in_storm", "Reading while forty sign in", series, CLAIMS, remarks)


if __name__ == "__main__":
    run(__doc__, measure, rounds=5, seconds=3)
