"""The bench's scripts start, and what they could not measure never becomes a ratio. Nothing here is timed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.bench.scripts import BENCH, run

SCRIPTS = sorted(path.name for path in BENCH.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_starts_and_says_what_it_measures(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 4


def test_make_bench_runs_every_script_that_there_is() -> None:
    offered = run("run.py", "--help").stdout
    for script in SCRIPTS:
        assert script in ("run.py", "summary.py") or script.removesuffix(".py") in offered


def series(name: str, rounds: list[float], *problems: str) -> dict[str, Any]:
    return {"name": name, "unit": "requests/s", "rounds": rounds, "problems": list(problems)}


def page_of(folder: Path, *measured: dict[str, Any]) -> str:
    """The page that the summary writes of one result: ours beside theirs, twenty times as fast or more."""
    claim = {"label": "beside theirs", "over": "ours", "under": "theirs", "at_least": 20, "at_most": None}
    result = {
        "name": "guarded_list",
        "title": "Guarded list",
        "series": measured,
        "claims": [claim | {"judged_by": "median"}],
        "remarks": [],
        "measured_at": "2026-11-24T12:00:00+00:00",
        "quiet": "load 0.1 when it began",
        "machine": {"cores": "2"},
        "versions": {"homeroom": "abc"},
    }
    (folder / "guarded_list.json").write_text(json.dumps(result))
    done = run("summary.py", "--results", str(folder), "--docs", str(folder), "--without-pictures")
    assert done.returncode == 0, done.stderr
    return (folder / "reference" / "performance.md").read_text()


def ratio_row(page: str) -> str:
    (row,) = re.findall(r"^\| Guarded list \| beside theirs .*$", page, re.MULTILINE)
    return row


def test_a_measured_ratio_is_printed_with_its_spread_and_its_end(tmp_path: Path) -> None:
    row = ratio_row(page_of(tmp_path, series("ours", [3000, 3300, 2700]), series("theirs", [100, 100, 100])))
    assert "| 30× | 27 to 33 | ≥ 20× | met |" in row


def test_a_ratio_that_falls_short_says_by_how_much(tmp_path: Path) -> None:
    page = page_of(tmp_path, series("ours", [1000, 1000, 1000]), series("theirs", [100, 100, 100]))
    assert "**falls short: 2.00× too low**" in ratio_row(page)
    assert "Of 1, 0 are met, 1 fall short, 0 were not measured." in page


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        ([], "theirs was not measured"),
        ([series("theirs", [])], "theirs was not measured"),
        ([series("theirs", [100, 100], "theirs: of 9 requests 1 answers were errors")], "was not measured"),
        ([series("theirs", [100, 100])], "not measured in the same rounds"),
        ([series("theirs", [100, 0, 100])], "theirs was nothing in some round"),
        ([series("theirs", [100, 10, 1000])], "too large a spread: from 3 to 300 in 3 rounds"),
    ],
    ids=["missing", "empty", "failed", "other rounds", "nothing", "spread"],
)
def test_no_ratio_is_printed_of_what_could_not_be_measured(
    tmp_path: Path, theirs: list[dict[str, Any]], reason: str
) -> None:
    page = page_of(tmp_path, series("ours", [3000, 3000, 3000]), *theirs)
    row = ratio_row(page)
    assert "| not measured |" in row
    assert reason in row
    assert "met |" not in row
    assert not re.search(r"[0-9]× \|", row.replace("≥ 20× |", ""))


def test_why_a_peer_failed_stands_on_the_page(tmp_path: Path) -> None:
    failed = series("theirs", [], "theirs did not start; it said: port taken")
    page = page_of(tmp_path, series("ours", [3000, 3000]), failed)
    assert "Not measured: theirs: theirs did not start; it said: port taken" in page


def test_a_script_that_left_no_result_is_named_on_the_page(tmp_path: Path) -> None:
    page = page_of(tmp_path, series("ours", [3000, 3000]), series("theirs", [100, 100]))
    (missing,) = re.findall(r"^Without a result: (.*)\.$", page, re.MULTILINE)
    assert "freshness" in missing
    assert "guarded_list" not in missing


def test_without_results_no_page_is_written(tmp_path: Path) -> None:
    done = run("summary.py", "--results", str(tmp_path), "--docs", str(tmp_path))
    assert done.returncode != 0
    assert "`make bench` makes them." in done.stderr
    assert not (tmp_path / "reference").exists()
