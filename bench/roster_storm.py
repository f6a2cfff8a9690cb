"""The directory while a roster of two thousand people comes in, beside the directory when all is quiet.

Each roster brings other people, so that each import has as much to do; the reader asks for a hundred.
"""

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import requests

from harness.homeroom import LIST, caller_headers, homeroom, prepare
from harness.people import make_class
from harness.results import Result
from harness.script import Options, run
from harness.storm import CLAIMS, STORMS_PER_ROUND, measure_storms

PEOPLE = make_class()
ADMIN = PEOPLE[0].uid
LINES = 2000


def roster(number: int) -> str:
    """A class list of people who were in none before."""
    lines = (f"r{number}x{line},New Person {number} {line}\n" for line in range(LINES))
    return "uid,name\n" + "".join(lines)


def storm(address: str, headers: dict[str, str], number: int) -> str:
    """One import; how it was answered, if not as it should be."""
    sent = headers | {"Content-Type": "text/csv"}
    try:
        answer = requests.post(f"{address}/api/roster", data=roster(number), headers=sent, timeout=120)
    except requests.RequestException as error:
        return f"a roster was not answered: {type(error).__name__}"
    return "" if answer.status_code == 200 else f"a roster was answered {answer.status_code}"


def measure(options: Options, folder: Path) -> Result:
    fresh, numbers = multiprocessing.get_context("spawn"), count()
    with (
        homeroom(prepare(folder, PEOPLE), caller=PEOPLE[-1].uid) as service,
        ProcessPoolExecutor(1, mp_context=fresh) as pool,
    ):
        headers = dict(caller_headers(service.address, ADMIN))

        def begin() -> "Future[str]":
            return pool.submit(storm, service.address, headers, next(numbers))

        reading = replace(service, path=f"{LIST}?limit={len(PEOPLE)}")
        series = measure_storms(reading, begin, options)
    remarks = (f"At least {STORMS_PER_ROUND} rosters of {LINES:,} people in each round.",)
    title = "Reading while a roster comes in"
    return Result("roster_storm", title, series, CLAIMS, remarks)


if __name__ == "__main__":
    run(__doc__, measure, rounds=5, seconds=3)
