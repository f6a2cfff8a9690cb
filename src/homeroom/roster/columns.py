"""Which column of a school's export is which field: spellings, and which of two is preferred."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from homeroom.roster.text import RosterError, quoted, shown
from homeroom.translations.messages import Message, message

# What spreadsheets put between words; str.split() would also swallow control characters, which
# are to be seen and refused.
_BLANKS = re.compile(r"[ \t\r\n\N{NO-BREAK SPACE}]+")


class Field(StrEnum):
    """What a roster tells about a person."""

    UID = "uid"
    FULL_NAME = "name"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    EMAIL = "email"
    DOB = "dob"


_CALLED = {
    Field.FULL_NAME: message("name"),
    Field.FIRST_NAME: message("first name"),
    Field.LAST_NAME: message("last name"),
    Field.EMAIL: message("email address"),
    Field.DOB: message("date of birth"),
}

# A row of groups per field: an earlier group is preferred to a later one, and two columns of the
# same group contradict each other. Canvas exports `ID` (its own number), `SIS User ID` and
# `SIS Login ID` side by side; what a student signs in with elsewhere is the best ID here.
SPELLINGS: dict[Field, tuple[tuple[str, ...], ...]] = {
    Field.UID: (
        ("uid",),
        ("GitHub ID", "GitHub", "GitHub Username", "GitHub Login", "GitHub User"),
        (
            *("SIS Login ID", "Login ID", "Login", "Login Name", "Username", "User Name"),
            *("Student Username", "Usuario", "Nombre de usuario", "Identifiant"),
            *("Nom d'utilisateur", "Benutzername", "Anmeldename", "Kennung"),
        ),
        (
            *("Student ID", "Student Number", "Student No", "Student Nr", "StudentID Number"),
            *("Pupil ID", "Learner ID", "User ID", "Matrícula", "ID de estudiante"),
            *("Numéro d'étudiant", "Numéro étudiant", "Matrikelnummer", "Schülernummer"),
        ),
        ("SIS User ID", "SIS ID", "OrgDefinedId", "External ID"),
        ("ID", "Identifier", "ID number"),
    ),
    Field.FULL_NAME: (
        (
            *("Name", "Full Name", "Student", "Student Name", "Student Full Name", "Pupil"),
            *("Display Name", "Learner", "Nombre", "Nombre completo", "Alumno", "Estudiante"),
            *("Nom", "Nom complet", "Élève", "Étudiant", "Vollständiger Name", "Schüler"),
        ),
    ),
    Field.FIRST_NAME: (
        (
            *("First Name", "First", "Given Name", "Given Names", "Forename", "Forenames"),
            *("Student First Name", "Legal First Name", "Prénom", "Prénoms", "Vorname"),
            *("Vornamen", "Nombres", "Nombre de pila", "Primer nombre"),
        ),
    ),
    Field.LAST_NAME: (
        (
            *("Last Name", "Last", "Surname", "Family Name", "Student Last Name"),
            *("Legal Last Name", "Apellido", "Apellidos", "Nom de famille", "Nachname"),
            *("Familienname", "Zuname"),
        ),
    ),
    Field.EMAIL: (
        ("Student Email", "Student Email Address", "Student E-mail"),
        (
            *("Email", "E-mail", "Email Address", "Mail", "Primary Email", "Correo"),
            *("Correo electrónico", "Courriel", "Adresse e-mail", "Adresse mail"),
            *("E-Mail-Adresse", "Mailadresse"),
        ),
    ),
    Field.DOB: (
        (
            *("dob", "Birthdate", "Birth Date", "Birthday", "Date of Birth", "Born"),
            *("Student DOB", "Student Birthdate", "Fecha de nacimiento", "Nacimiento"),
            *("Date de naissance", "Naissance", "Geburtsdatum", "Geburtstag", "Geboren am"),
        ),
    ),
}

# In these languages the word for a whole name means one half of it when the other is beside it.
_HALVES = (
    ("Prénom", "Nom", Field.LAST_NAME),
    ("Prénoms", "Nom", Field.LAST_NAME),
    ("Vorname", "Name", Field.LAST_NAME),
    ("Vornamen", "Name", Field.LAST_NAME),
    ("Apellido", "Nombre", Field.FIRST_NAME),
    ("Apellidos", "Nombre", Field.FIRST_NAME),
)


def normalise(header: str) -> str:
    """A header without case, accents and punctuation: `Student_ID` and `student id` are one."""
    decomposed = unicodedata.normalize("NFKD", header.casefold())
    return "".join(mark for mark in decomposed if mark.isalnum())


# spelling -> (field, rank of its group)
_KNOWN = {
    normalise(spelling): (field, rank)
    for field, groups in SPELLINGS.items()
    for rank, group in enumerate(groups)
    for spelling in group
}


@dataclass(frozen=True)
class Columns:
    """Where each field stands in a row, and the headers that are not used."""

    positions: dict[Field, int]
    headers: tuple[str, ...]
    unused: tuple[str, ...]

    def cell(self, fields: Sequence[str], field: Field) -> str:
        """The field's text in a row, on one line; empty where the file or the row has none."""
        position = self.positions.get(field)
        if position is None or position >= len(fields):
            return ""
        return _BLANKS.sub(" ", fields[position]).strip(" ")

    @property
    def has_name_parts(self) -> bool:
        return Field.FULL_NAME not in self.positions

    def header(self, field: Field) -> str:
        """The file's own word for a field."""
        return self.headers[self.positions[field]]


def known_columns(headers: list[str]) -> int:
    """How many of these headers name a field."""
    return sum(normalise(header) in _KNOWN for header in headers)


def find_columns(headers: list[str]) -> Columns:
    """Tell which column is which field.

    Raises:
        RosterError: there is no header line, a column for the ID or the name is missing, or two
            columns could be the same field and neither is preferred.
    """
    if not known_columns(headers):
        raise RosterError(
            "We don't know any of the columns in the first line, which begins “{header}”. "
            "The file needs a header line, such as: uid,name,email,dob",
            header=shown(headers[0]),
        )
    candidates = _candidates(headers)
    positions = {}
    for field, found in candidates.items():
        best = [position for position, rank in found if rank == min(rank for _, rank in found)]
        if len(best) > 1:
            raise RosterError(_contradiction(field, [headers[position] for position in best]))
        positions[field] = best[0]
    _settle_name(positions)
    _require(positions, headers)
    used = set(positions.values())
    unused = tuple(shown(header) for i, header in enumerate(headers) if i not in used and header.strip())
    return Columns(positions, tuple(shown(header) for header in headers), unused)


def _candidates(headers: list[str]) -> dict[Field, list[tuple[int, int]]]:
    """By field: the position and the rank of every column that could be it."""
    words = [normalise(header) for header in headers]
    meanings = dict(_KNOWN)
    for half, word, meaning in _HALVES:
        if normalise(half) in words:
            meanings[normalise(word)] = (meaning, 0)
    candidates: dict[Field, list[tuple[int, int]]] = {}
    for position, word in enumerate(words):
        if word in meanings:
            field, rank = meanings[word]
            candidates.setdefault(field, []).append((position, rank))
    return candidates


def _settle_name(positions: dict[Field, int]) -> None:
    """Keep either both halves of the name, which leave no doubt about its order, or the whole."""
    if Field.FIRST_NAME in positions and Field.LAST_NAME in positions:
        positions.pop(Field.FULL_NAME, None)
    elif Field.FULL_NAME in positions:
        positions.pop(Field.FIRST_NAME, None)
        positions.pop(Field.LAST_NAME, None)


def _contradiction(field: Field, headers: list[str]) -> Message:
    names = quoted(headers)
    if field is Field.UID:
        return message(
            "More than one column could be the ID: {columns}. "
            "Remove or rename all but one, or name the right one “{name}”.",
            columns=names,
            name=_examples(field)[0],
        )
    return message(
        "More than one column could be the {field}: {columns}. Remove or rename all but one.",
        columns=names,
        field=_CALLED[field],
    )


def _require(positions: dict[Field, int], headers: list[str]) -> None:
    found = quoted(header for header in headers[:20] if header.strip())
    if Field.UID not in positions:
        raise RosterError(
            "No column contains the ID. Found: {found}. Accepted: {accepted}. "
            "To sign in with another column, such as the email address, name that column uid.",
            found=found,
            accepted=", ".join(_examples(Field.UID)),
        )
    parts = {Field.FIRST_NAME, Field.LAST_NAME} & positions.keys()
    if Field.FULL_NAME not in positions and len(parts) < 2:
        accepted = ", ".join(_examples(Field.FULL_NAME))
        raise RosterError(
            "No column contains the name. Found: {found}. "
            "Accepted: {accepted}, or First Name together with Last Name.",
            found=found,
            accepted=accepted,
        )


def _examples(field: Field) -> list[str]:
    """A spelling per group, enough to choose one from."""
    groups = SPELLINGS[field]
    return [spelling for group in groups for spelling in group[: 6 // len(groups) or 1]]
