"""Results as tables for people: figures with their spread, claims with their verdicts."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from harness.claims import Claim, Verdict, judge
from harness.results import Result

_MOST_NAMES = 3
# What a cell of a comparison tells beside its rate: the ends of the series' names.
FURTHER = {": p50": "p50, ms", ": p99": "p99, ms", ": CPU": "CPU s per 1,000", ": memory": "memory, MB"}


def print_result(result: Result, console: Console) -> None:
    """The figures, the claims, and what is to be known about them."""
    console.print(_figures(result))
    if result.claims:
        console.print(_verdicts([judge(claim, result.series) for claim in result.claims]))
    for remark in (*failures(result), *result.remarks):
        console.print(remark, markup=False, highlight=False)


def _figures(result: Result) -> Table:
    table = Table("", "median", "lowest", "highest", "unit", title=result.title)
    for one in result.series:
        if one.failure:
            table.add_row(one.name, "not measured", "", "", "", style="red")
        else:
            figures = (one.median, min(one.rounds), max(one.rounds))
            table.add_row(one.name, *(number(figure) for figure in figures), one.unit)
    return table


def failures(result: Result) -> list[str]:
    """What could not be measured, and why; each cell of a comparison once, and not with every figure."""
    names: dict[str, list[str]] = {}
    for one in result.series:
        of_a_cell = result.comparison and one.name.endswith(tuple(FURTHER))
        if one.failure and not of_a_cell:
            names.setdefault(one.failure, []).append(one.name)
    return [f"Not measured: {_some(failed)}: {reason}" for reason, failed in names.items()]


def _some(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more there are."""
    shown, more = names[:_MOST_NAMES], len(names) - _MOST_NAMES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = Table("claim", "measured", "spread", "target", "")
    for verdict in verdicts:
        style = {True: "green", False: "bold red", None: ""}[verdict.met]
        measured, spread = show_measured(verdict), show_spread(verdict)
        table.add_row(
            verdict.claim.label, measured, spread, show_hold(verdict.claim), show_end(verdict), style=style
        )
    return table


def number(value: float) -> str:
    """A figure with as many digits as it deserves."""
    if value >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def with_unit(value: float, unit: str) -> str:
    """A figure and its unit; a ratio's sign stands close."""
    return f"{number(value)}{unit}" if unit == "×" else f"{number(value)} {unit}"


def show_measured(verdict: Verdict) -> str:
    """The value, or that there is none."""
    return "not measured" if verdict.refused else with_unit(verdict.value, verdict.unit)


def show_spread(verdict: Verdict) -> str:
    """The extremes of the rounds, or why nothing was measured."""
    return verdict.refused or f"{number(verdict.lowest)} to {number(verdict.highest)}"


def show_hold(claim: Claim) -> str:
    """What was promised."""
    sign = "×" if claim.under else ""
    if claim.at_least is not None:
        return f"≥ {claim.at_least:g}{sign}"
    return f"≤ {claim.at_most:g}{sign}" if claim.at_most is not None else ""


def show_end(verdict: Verdict) -> str:
    """Whether it holds."""
    if verdict.met is None:
        return ""
    return "met" if verdict.met else f"falls short: {verdict.shortfall}"
