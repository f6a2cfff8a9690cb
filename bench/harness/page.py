"""The performance page in Markdown: what is held, by how much, measured where and with what."""

from collections.abc import Mapping, Sequence

from harness.claims import Series, Verdict, judge
from harness.comparison_page import all_figures, first_table, ratios, reasons
from harness.markdown import table
from harness.obstacles import obstacles
from harness.results import SCRIPTS, Result
from harness.tables import failures, number, show_end, show_hold, show_measured, show_spread

_HEAD = """\
# Performance

`make bench` measures these figures, writes this page and draws the pictures; `bench/README.md` explains how.
A ratio compares two services that were measured in the same rounds, one after the other. Its value is the
median of the rounds' ratios. *Spread* is the lowest and the highest round. If a measurement failed, its
figure is missing. [](statements.md) has the number of SQL statements for each action.
"""

# What the first table compares: one row an operation.
_FIRST = ("Homeroom", "Homeroom on PostgreSQL", "PocketBase", "FastAPI", "The lesson's way")


def write_page(results: Sequence[Result], pictures: Mapping[str, str]) -> str:
    """The page.

    Args:
        pictures: for each result's name the address of its picture, where it has one.
    """
    verdicts = {result.name: [judge(claim, result.series) for claim in result.claims] for result in results}
    parts = [_HEAD, *_one_table(results), _promises(results, verdicts)]
    parts += [*_in_the_way(results, verdicts), *_missing(results), _about(results)]
    parts += [_section(result, verdicts[result.name], pictures.get(result.name)) for result in results]
    return "\n".join(parts)


def _one_table(results: Sequence[Result]) -> list[str]:
    """What users look for first."""
    return [
        "\n".join(
            (
                f"## {result.title}\n",
                "How often a second, with 16 connections, and in parentheses the time that one in a hundred "
                "exceeds (p99). All have the same hundred people and write durably: an answered change is on "
                "the disk. A dash means that a service doesn't have this; the reasons are "
                "[below](#every-figure-of-these-operations).\n",
                first_table(result, _FIRST),
            )
        )
        for result in results
        if result.comparison
    ]


def _promises(results: Sequence[Result], verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """Every claim with something to hold, in one table."""
    rows = [
        (result.title, *_row(verdict))
        for result in results
        for verdict in verdicts[result.name]
        if show_hold(verdict.claim)
    ]
    met = sum(row[-1] == "met" for row in rows)
    unknown = sum(not row[-1] for row in rows)
    short = len(rows) - met - unknown
    told = f"Of {len(rows)}, {met} are met, {short} fall short, {unknown} were not measured."
    return f"## What we promise\n\n{told}\n\n" + table(
        ("", "claim", "measured", "spread", "target", ""), rows
    )


def _in_the_way(results: Sequence[Result], verdicts: Mapping[str, Sequence[Verdict]]) -> list[str]:
    """Why claims fall short, where it is known."""
    found = {result.title: obstacles(result.name, verdicts[result.name]) for result in results}
    lines = [
        f"- **{': '.join(filter(None, (title, beginning)))}.** {text}"
        for title, texts in found.items()
        for beginning, text in texts.items()
    ]
    return ["### Obstacles\n\n" + "\n".join(lines) + "\n"] if lines else []


def _missing(results: Sequence[Result]) -> list[str]:
    """The scripts that left no result."""
    missing = [name for name in SCRIPTS if name not in {result.name for result in results}]
    return [f"Without a result: {', '.join(missing)}.\n"] if missing else []


def _row(verdict: Verdict) -> tuple[str, ...]:
    end = show_end(verdict)
    return (
        verdict.claim.label,
        show_measured(verdict),
        show_spread(verdict),
        show_hold(verdict.claim),
        end if verdict.met is not False else f"**{end}**",
    )


def _about(results: Sequence[Result]) -> str:
    """Machine and versions, once where all results agree."""
    machines = {tuple(result.machine.items()) for result in results}
    versions = {tuple(result.versions.items()) for result in results}
    parts = ["## Machine and versions\n"]
    if len(machines) > 1 or len(versions) > 1:
        parts.append("The results were not made on one machine with one set of versions:\n")
    parts += [table(("machine", ""), machine) for machine in sorted(machines)]
    parts += [table(("what", "version"), version) for version in sorted(versions)]
    return "\n".join(parts)


def _section(result: Result, verdicts: Sequence[Verdict], picture: str | None) -> str:
    """One result: picture, figures, ratios, remarks."""
    parts = _compared(result) if result.comparison else [f"## {result.title}\n"]
    if picture:
        parts.append(f"![{result.title}: the median of each, as in the table]({picture})\n")
    if not result.comparison:
        parts.append(table(("", "median", "lowest", "highest", "unit"), map(_figures, result.series)))
    told = [_row(verdict) for verdict in verdicts if not show_hold(verdict.claim)]
    if told:
        parts.append(table(("ratio", "measured", "spread"), [row[:3] for row in told]))
    parts += [f"{remark}\n" for remark in (*failures(result), *result.remarks)]
    parts.append(f"Measured at {result.measured_at}: {result.quiet}.\n")
    return "\n".join(parts)


def _figures(one: Series) -> tuple[str, ...]:
    median = "not measured" if one.failure else number(one.median)
    return (one.name, median, *_extremes(one.rounds), one.unit)


def _compared(result: Result) -> list[str]:
    """Everything about the operations of the first table."""
    comparison = result.comparison
    assert comparison is not None
    nginx = [column for column in comparison.columns if "Nginx" in column]
    rest = [column for column in comparison.columns if column not in (*_FIRST, *nginx)]
    return [
        "## Every figure of these operations\n",
        reasons(result),
        "### Homeroom compared with PocketBase\n",
        ratios(result, *(_FIRST[0], _FIRST[2])),
        "### Through Nginx, and with less durable writes\n",
        first_table(result, (*nginx, *rest)),
        "### What each takes\n",
        all_figures(result),
    ]


def _extremes(rounds: Sequence[float]) -> tuple[str, str]:
    return (number(min(rounds)), number(max(rounds))) if rounds else ("", "")
