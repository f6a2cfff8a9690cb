"""What a check found: that all is well, or what is wrong or may soon be, and what to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn


class State(StrEnum):
    """How bad it is."""

    FINE = "fine"
    # Nothing fails today; left alone, it may.
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check. A remedy is there where something is wrong or may soon be."""

    check: str
    told: str
    remedy: str | None = None
    # With a remedy: nothing is wrong yet.
    is_warning: bool = False

    @property
    def state(self) -> State:
        if self.remedy is None:
            return State.FINE
        return State.WARNING if self.is_warning else State.WRONG

    @property
    def is_fault(self) -> bool:
        return self.state is State.WRONG


class FaultError(Exception):
    """A fault that makes the checks behind it pointless."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.told)
        self.finding = finding


def stop_at(check: str, told: str, remedy: str) -> NoReturn:
    """Name a fault after which nothing more can be found out.

    Raises:
        FaultError: always.
    """
    raise FaultError(Finding(check, told, remedy))
