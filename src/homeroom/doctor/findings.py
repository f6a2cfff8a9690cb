"""What a check found: that all is well, or what is wrong and what to do."""

from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True)
class Finding:
    """The outcome of one check. A remedy is there where something is wrong."""

    check: str
    told: str
    remedy: str | None = None

    @property
    def is_fault(self) -> bool:
        return self.remedy is not None


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
