"""A comparison as tables: first what users look for, further down every figure."""

from collections.abc import Sequence

from harness.claims import Claim, Series, judge
from harness.markdown import table
from harness.results import Result
from harness.tables import FURTHER, number, show_measured

MISSING = "–"


def first_table(result: Result, columns: Sequence[str]) -> str:
    """How often a second each operation is done, with its p99."""
    comparison = result.comparison
    assert comparison is not None
    series = {one.name: one for one in result.series}
    rows = [(row, *(_cell(series, f"{row}, {column}") for column in columns)) for row in comparison.rows]
    return table(("", *columns), rows)


def ratios(result: Result, over: str, under: str) -> str:
    """For each row, how one column compares with another, within the rounds."""
    comparison = result.comparison
    assert comparison is not None
    verdicts = [
        (row, judge(Claim(row, f"{row}, {over}", f"{row}, {under}"), result.series))
        for row in comparison.rows
    ]
    return table(("", "times"), [(row, show_measured(one)) for row, one in verdicts if not one.refused])


def all_figures(result: Result) -> str:
    """Every figure of every cell."""
    comparison = result.comparison
    assert comparison is not None
    series = {one.name: one for one in result.series}
    rows = []
    for row in comparison.rows:
        for column in comparison.columns:
            name = f"{row}, {column}"
            one = series.get(name)
            if one is not None and not one.failure:
                others = (number(series[name + end].median) for end in FURTHER)
                rows.append((row, column, number(one.median), *others))
    return table(("", "", "a second", *FURTHER.values()), rows)


def reasons(result: Result) -> str:
    """Why cells are empty."""
    comparison = result.comparison
    assert comparison is not None
    columns_of: dict[tuple[str, str], list[str]] = {}
    for row in comparison.rows:
        for column in comparison.columns:
            reason = comparison.absent.get(f"{row}, {column}")
            if reason is not None:
                columns_of.setdefault((row, reason), []).append(column)
    rows = [(row, ", ".join(columns), reason) for (row, reason), columns in columns_of.items()]
    return table(("", "isn't there in", "because"), rows) if rows else ""


def _cell(series: dict[str, Series], name: str) -> str:
    """A rate and its p99; a dash where there is none."""
    rate, p99 = series.get(name), series.get(f"{name}: p99")
    if rate is None or p99 is None:
        return MISSING
    if rate.failure:
        return "not measured"
    return f"{number(rate.median)} ({number(p99.median)} ms)"
