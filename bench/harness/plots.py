"""Results as bars in SVG, the same bytes for the same figures, readable on light and on dark pages."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from harness.claims import Series
from harness.results import Result
from harness.tables import number

# Enough contrast on white and on black alike; the page itself shows through.
_INK, _OURS, _THEIRS = "#7a7a7a", "#3d84c6", "#9a9a9a"
_BAR_INCHES, _FRAME_INCHES = 0.34, 0.9
# From here on short bars could not be seen beside the longest.
_LOGARITHMIC_FROM = 30


def comparable(result: Result) -> list[Series]:
    """What can stand in one picture: the measured series with the unit of the first.

    Of operations that differ by a thousand, none can.
    """
    if result.comparison:
        return []
    measured = [one for one in result.series if not one.failure]
    return [one for one in measured if one.unit == measured[0].unit and max(one.rounds) > 0]


def draw(result: Result, path: Path) -> bool:
    """Write a result's picture; whether there was something to compare."""
    shown = comparable(result)
    if len(shown) < 2:
        return False
    with mpl.rc_context({"svg.hashsalt": "homeroom", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(7.5, _FRAME_INCHES + _BAR_INCHES * len(shown)), layout="constrained")
        _bars(figure, shown)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a date, or each run would change every picture.
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Title": result.title})
    return True


def _bars(figure: Figure, shown: Sequence[Series]) -> None:
    axes = figure.add_subplot()
    medians = [one.median for one in shown]
    below = [one.median - min(one.rounds) for one in shown]
    above = [max(one.rounds) - one.median for one in shown]
    colours = [_OURS if one.name.startswith("Homeroom") or _is_all_ours(shown) else _THEIRS for one in shown]
    places = range(len(shown))
    axes.barh(places, medians, xerr=(below, above), color=colours, ecolor=_INK, capsize=2, height=0.7)
    axes.set_yticks(places, [one.name for one in shown])
    axes.invert_yaxis()
    if max(medians) > _LOGARITHMIC_FROM * min(medians):
        axes.set_xscale("log")
        axes.set_xlim(left=10 ** math.floor(math.log10(min(medians))))
    axes.set_xlabel(f"{shown[0].unit}: median, and from the lowest to the highest round")
    for place, one in zip(places, shown, strict=True):
        end = (max(one.rounds), place)
        axes.annotate(number(one.median), end, (5, 0), textcoords="offset points", va="center", color=_INK)
    axes.margins(x=0.12)
    axes.tick_params(colors=_INK)
    axes.xaxis.label.set_color(_INK)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_INK)


def _is_all_ours(shown: Sequence[Series]) -> bool:
    return not any(one.name.startswith("Homeroom") for one in shown)
