"""The people of the class that is measured: the same rows for every service."""

from dataclasses import dataclass
from datetime import date, timedelta

PASSWORD = "correct horse battery"
_FIRST = ("Ada", "Alan", "Emmy", "Kurt", "Sofya", "Grace", "José", "Zoë", "Chinua", "Mary")
_LAST = ("Lovelace", "Turing", "Noether", "Gödel", "Hopper", "Easley", "Ramanujan", "Péter", "Pascal", "Gauß")


@dataclass(frozen=True)
class Person:
    """One row of the class."""

    uid: str
    name: str
    role: str
    dob: date


def make_class(size: int = 100) -> tuple[Person, ...]:
    """An admin, a teacher, and students; the last of them is the one who asks."""
    return tuple(_person(number) for number in range(size))


def _person(number: int) -> Person:
    first, last = _FIRST[number % 10], _LAST[number // 10 % 10]
    return Person(
        uid=f"u{number:03}",
        name=f"{first} {last}",
        role={0: "Admin", 1: "Teacher"}.get(number, "User"),
        dob=date(2009, 1, 1) + timedelta(days=11 * number),
    )


def age_on(dob: date, today: date) -> int:
    """Full years, for the services that keep an age instead of computing it."""
    return today.year - dob.year - ((today.month, today.day) < (dob.month, dob.day))
