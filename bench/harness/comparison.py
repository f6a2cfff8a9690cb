"""One table of a result: what is done, by whom, and why a cell is empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Comparison:
    """Rows and columns; a cell's series is called "row, column", its further figures "row, column: p99"."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    # By the cell's series: why there is none.
    absent: Mapping[str, str] = field(default_factory=dict)
