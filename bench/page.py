"""What pages cost a browser: Lighthouse's four marks, and the weight of script and style on the users page.

Debian's Chromium visits as a signed-in student on Lighthouse's slow phone; nothing is kept between visits.
What weighs is what came over the wire. CHROME_PATH names another browser.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from harness import browser
from harness.claims import Claim, JudgedBy, Series
from harness.homeroom import homeroom, prepare
from harness.people import make_class
from harness.processes import Service
from harness.results import Result
from harness.script import Options, finish, read_options, tell
from harness.wrk import UnmeasurableError

PEOPLE = make_class()
STUDENT = PEOPLE[-1].uid
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
WEIGHED = ("Script", "Stylesheet")
MARKS_UNIT = "of 100"
WEIGHT = "users: script and style"


@dataclass(frozen=True)
class Visit:
    """One visit to a page: Lighthouse's marks out of 100, and kilobytes of script and style."""

    marks: Mapping[str, float]
    weight_kb: float


def visit(url: str, headers: Mapping[str, str], folder: Path) -> Visit:
    """One visit.

    Raises:
        UnmeasurableError: Lighthouse gave no report, or the page was not the one that was asked for.
    """
    return _read(browser.visit(url, headers, folder, CATEGORIES))


def _read(report: Mapping[str, Any]) -> Visit:
    scores = {name: report["categories"][name]["score"] for name in CATEGORIES}
    if None in scores.values():
        raise UnmeasurableError(f"Lighthouse gave no mark: {scores}")
    loaded = browser.requests_of(report)
    weight = sum(one["transferSize"] for one in loaded if one.get("resourceType") in WEIGHED)
    return Visit({name: score * 100 for name, score in scores.items()}, weight / 1000)


# Enough to read for a page to scroll.
_BODY = "# How it works\n\nA *small* computer reads three sensors.\n\n- wind\n- rain\n- light\n" * 5


def make_project(service: Service) -> int:
    """A project of the student's, for all to see; its id."""
    body: dict[str, Any] = {
        "title": "A weather station",
        "summary": "It measures wind and rain on the roof of the school.",
        "body": _BODY,
        "visibility": "public",
        "tags": ["sensors", "python"],
        "links": [{"label": "Source", "url": "https://example.org/weather"}],
    }
    url = f"{service.address}/api/projects/"
    answer = requests.post(url, json=body, headers=dict(service.headers), timeout=30)
    answer.raise_for_status()
    project_id: int = answer.json()["id"]
    return project_id


def measure(options: Options, folder: Path) -> tuple[Series, ...]:
    series: list[Series] = []
    with homeroom(prepare(folder, PEOPLE), caller=STUDENT) as service:
        pages = {
            "users": "/users/",
            "portfolio": f"/portfolio/?uid={STUDENT}",
            "project": f"/project/?id={make_project(service)}",
        }
        for name, path in pages.items():
            series += measure_page(name, service.address + path, service.headers, options, folder)
    return tuple(series)


def measure_page(
    name: str, url: str, headers: Mapping[str, str], options: Options, folder: Path
) -> list[Series]:
    """A page's marks and, of the users page, the weight; all visits of one page follow each other."""
    visits: list[Visit] = []
    problems: list[str] = []
    for number in range(options.rounds):
        tell(f"round {number + 1} of {options.rounds}: {name}")
        try:
            visits.append(visit(url, headers, folder))
        except (UnmeasurableError, subprocess.TimeoutExpired) as error:
            problems.append(str(error))
    found = [
        Series(f"{name}: {mark}", MARKS_UNIT, tuple(one.marks[mark] for one in visits), tuple(problems))
        for mark in CATEGORIES
    ]
    if name == "users":
        found.append(Series(WEIGHT, "KB", tuple(one.weight_kb for one in visits), tuple(problems)))
    return found


def claims(series: tuple[Series, ...]) -> tuple[Claim, ...]:
    marks = [Claim(one.name, one.name, at_least=95) for one in series if one.unit == MARKS_UNIT]
    return (*marks, Claim(WEIGHT, WEIGHT, at_most=60, judged_by=JudgedBy.WORST))


def main() -> None:
    options = read_options(__doc__, rounds=3)
    with tempfile.TemporaryDirectory() as folder:
        series = measure(options, Path(folder))
    finish(Result("page", "Pages in a browser", series, claims(series)), options)


if __name__ == "__main__":
    main()
