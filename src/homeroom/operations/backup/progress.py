"""How long work tells how far it has come."""

from typing import Protocol


class Progress(Protocol):
    """Whoever watches: a bar on a terminal, lines elsewhere."""

    def stage(self, label: str, total: int | None = None) -> None:
        """A part begins; it has so many steps, or nobody knows how many."""

    def advance(self) -> None:
        """One step of the part is done."""
