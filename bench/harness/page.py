"""The performance page in Markdown: what is held, by how much, measured where and with what."""

from collections.abc import Iterable, Mapping, Sequence

from harness.claims import Verdict, judge
from harness.results import SCRIPTS, Result
from harness.tables import failures, number, show_end, show_hold, show_measured, show_spread

_HEAD = """\
# Performance

`make bench` measures these figures, writes this page and draws the pictures; `bench/README.md` explains how.
A ratio compares two services that were measured in the same rounds, one after the other. Its value is the
median of the rounds' ratios. *Spread* is the lowest and the highest round. If a measurement failed, its
figure is missing.
"""

# Why a claim isn't met. The page shows the reason only in that case.
_IN_THE_WAY = {
    "sign_in": (
        "In addition to its hash, a sign-in is a request through Flask, four counts of attempts and one "
        "durable commit. On two cores that the load generator shares, the hash doesn't get this time."
    ),
    "sign_in_storm": (
        "A quiet directory answers from memory in a fifth of a millisecond. In a storm, both cores hash, and "
        "forty sign-ins run through Flask in the same workers. A reader waits for a core and for Python's "
        "lock, a few milliseconds in total. Hashes run in processes that wait for an idle core. The rest "
        "would need other workers for sign-ins, or another core."
    ),
}


def write_page(results: Sequence[Result], pictures: Mapping[str, str]) -> str:
    """The page.

    Args:
        pictures: for each result's name the address of its picture, where it has one.
    """
    verdicts = {result.name: [judge(claim, result.series) for claim in result.claims] for result in results}
    parts = [_HEAD, _promises(results, verdicts), *_missing(results), _about(results)]
    parts += [_section(result, verdicts[result.name], pictures.get(result.name)) for result in results]
    return "\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what is in a cell cannot end it."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join((f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines)) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


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
    parts = [f"## {result.title}\n"]
    if picture:
        parts.append(f"![{result.title}: the median of each, as in the table]({picture})\n")
    figures = [
        (one.name, "not measured" if one.failure else number(one.median), *_extremes(one.rounds), one.unit)
        for one in result.series
    ]
    parts.append(table(("", "median", "lowest", "highest", "unit"), figures))
    told = [_row(verdict) for verdict in verdicts if not show_hold(verdict.claim)]
    if told:
        parts.append(table(("ratio", "measured", "spread"), [row[:3] for row in told]))
    parts += [f"{remark}\n" for remark in (*failures(result), *result.remarks)]
    if any(verdict.met is False for verdict in verdicts) and result.name in _IN_THE_WAY:
        parts.append(f"**The obstacle.** {_IN_THE_WAY[result.name]}\n")
    parts.append(f"Measured at {result.measured_at}: {result.quiet}.\n")
    return "\n".join(parts)


def _extremes(rounds: Sequence[float]) -> tuple[str, str]:
    return (number(min(rounds)), number(max(rounds))) if rounds else ("", "")
