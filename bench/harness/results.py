"""Results as files: one JSON a script, with machine, date, versions and every round's value."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.claims import Claim, JudgedBy, Series
from harness.comparison import Comparison
from harness.machine import Quiet, describe_machine, describe_versions

RESULTS = Path(__file__).parent.parent / "results"
# The scripts: what is promised comes first, what is only told comes last.
SCRIPTS = (
    "operations",
    "guarded_list",
    "large_directory",
    "large_portfolio",
    "freshness",
    "durable_writes",
    "sign_in",
    "sign_in_storm",
    "roster_storm",
    "uploads",
    "after_the_break",
    "start",
    "memory",
    "page",
    "workers",
    "python_versions",
)


@dataclass(frozen=True)
class Result:
    """What one script measured, and what it claims of it."""

    name: str
    title: str
    series: tuple[Series, ...]
    claims: tuple[Claim, ...]
    remarks: tuple[str, ...] = ()
    measured_at: str = ""
    quiet: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    # Of a result that is read as one table.
    comparison: Comparison | None = None


def save(result: Result, folder: Path, quiet: Quiet) -> Path:
    """Write a result beside the others."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"measured_at": now, "quiet": quiet.describe()}
    where = {"machine": describe_machine(), "versions": describe_versions()}
    text = json.dumps(asdict(result) | about | where, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def load_results(folder: Path) -> list[Result]:
    """Every script's result that is in a folder."""
    paths = (folder / f"{name}.json" for name in SCRIPTS)
    return [_read(path) for path in paths if path.exists()]


def _read(path: Path) -> Result:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    series = tuple(
        Series(one["name"], one["unit"], tuple(one["rounds"]), tuple(one["problems"]))
        for one in told.pop("series")
    )
    claims = tuple(Claim(**(one | {"judged_by": JudgedBy(one["judged_by"])})) for one in told.pop("claims"))
    remarks = tuple(told.pop("remarks"))
    table = told.pop("comparison", None)
    comparison = table and Comparison(tuple(table["rows"]), tuple(table["columns"]), table["absent"])
    return Result(series=series, claims=claims, remarks=remarks, comparison=comparison, **told)
