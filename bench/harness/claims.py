"""Figures and what is claimed of them; a ratio that could not be measured is refused, with the reason."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.wrk import UnmeasurableError

# Where the middle half of the rounds lies further apart than this many medians, they tell nothing.
MAX_SPREAD = 0.75


@dataclass(frozen=True)
class Series:
    """One figure, measured once in each round; `problems` say what went wrong."""

    name: str
    unit: str
    rounds: tuple[float, ...]
    problems: tuple[str, ...] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def failure(self) -> str:
        """Why this is no measurement; nothing if it is one. A single failed round spoils it."""
        if self.problems:
            return self.problems[0]
        return "" if self.rounds else "there was no round"


class JudgedBy(StrEnum):
    """Which round decides: speed varies, a promise does not."""

    MEDIAN = "median"
    WORST = "worst"


@dataclass(frozen=True)
class Claim:
    """What must hold: a ratio of two series, or a series alone where `under` is None."""

    label: str
    over: str
    under: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    judged_by: JudgedBy = JudgedBy.MEDIAN


@dataclass(frozen=True)
class Verdict:
    """A claim as measured; `refused` says why there is no value to print."""

    claim: Claim
    unit: str = ""
    value: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    refused: str = ""

    @property
    def met(self) -> bool | None:
        """None: nothing was promised, or nothing could be measured."""
        claim = self.claim
        if self.refused or (claim.at_least is None and claim.at_most is None):
            return None
        enough = claim.at_least is None or self.value >= claim.at_least
        return enough and (claim.at_most is None or self.value <= claim.at_most)

    @property
    def shortfall(self) -> str:
        """By how much a claim that is not met falls short."""
        if self.met is not False:
            return ""
        if self.claim.at_least is not None and self.value < self.claim.at_least:
            return f"{self.claim.at_least / self.value:.2f}× too low" if self.value else "is nothing"
        assert self.claim.at_most is not None
        over = self.value / self.claim.at_most if self.claim.at_most else 0
        return f"{over:.2f}× too high" if over else f"{self.value:g} too many"


def interleave(
    probes: Mapping[str, Callable[[], float]],
    *,
    rounds: int,
    unit: str,
    tell: Callable[[str], None] = lambda _text: None,
) -> tuple[Series, ...]:
    """Measure each in turn, and all again in each round: what disturbs one disturbs its neighbours."""

    def of_one_figure(probe: Callable[[], float]) -> Callable[[], Mapping[str, float]]:
        return lambda: {"": probe()}

    figures = {name: of_one_figure(probe) for name, probe in probes.items()}
    return interleave_figures(figures, rounds=rounds, units={"": unit}, tell=tell)


def interleave_figures(
    probes: Mapping[str, Callable[[], Mapping[str, float]]],
    *,
    rounds: int,
    units: Mapping[str, str],
    tell: Callable[[str], None] = lambda _text: None,
) -> tuple[Series, ...]:
    """The same of probes that tell several figures at once; each becomes a series.

    Args:
        units: of each figure, by what its series' name has behind the probe's.
    """
    values: dict[str, dict[str, list[float]]] = {name: {end: [] for end in units} for name in probes}
    problems: dict[str, list[str]] = {name: [] for name in probes}
    for number in range(rounds):
        for name, probe in probes.items():
            tell(f"round {number + 1} of {rounds}: {name}")
            try:
                found = probe()
            except UnmeasurableError as error:
                problems[name].append(str(error))
                continue
            for end in units:
                values[name][end].append(found[end])
    return tuple(
        Series(name + end, unit, tuple(values[name][end]), tuple(problems[name]))
        for name in probes
        for end, unit in units.items()
    )


def judge(claim: Claim, series: Sequence[Series]) -> Verdict:
    """A claim's value with its extremes over the rounds, or why there is none."""
    by_name = {one.name: one for one in series}
    for name in filter(None, (claim.over, claim.under)):
        if name not in by_name or by_name[name].failure:
            return Verdict(claim, refused=f"{name} was not measured")
    over = by_name[claim.over]
    if claim.under is None:
        return _verdict(claim, over.rounds, over.unit)
    under = by_name[claim.under]
    if len(over.rounds) != len(under.rounds):
        return Verdict(claim, refused=f"{over.name} and {under.name} were not measured in the same rounds")
    if not all(under.rounds):
        return Verdict(claim, refused=f"{under.name} was nothing in some round")
    # Neighbours in time are compared, not the medians of different moments.
    return _verdict(claim, [a / b for a, b in zip(over.rounds, under.rounds, strict=True)], "×")


def _all_agree(claim: Claim, unit: str, values: Sequence[float]) -> str:
    """What can be said all the same: on which side of the hold every round lies."""
    ends = {Verdict(claim, unit, value).met for value in values}
    if len(ends) != 1 or None in ends:
        return ""
    return ", each within the hold" if ends.pop() else ", each short of the hold"


def _verdict(claim: Claim, values: Sequence[float], unit: str) -> Verdict:
    median, lowest, highest = statistics.median(values), min(values), max(values)
    if claim.judged_by is JudgedBy.WORST:
        worst = lowest if claim.at_least is not None else highest
        return Verdict(claim, unit, worst, lowest, highest)
    if len(values) < 2:
        return Verdict(claim, refused="one round shows no spread")
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    if upper - lower > MAX_SPREAD * median:
        spread = f"from {lowest:.3g} to {highest:.3g} in {len(values)} rounds"
        return Verdict(claim, refused=f"too large a spread: {spread}{_all_agree(claim, unit, values)}")
    return Verdict(claim, unit, median, lowest, highest)
