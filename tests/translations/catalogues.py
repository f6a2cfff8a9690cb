"""Catalogues: what the source says, what each language has for it, and bringing the two together.

`python -m tests.translations` compares and is part of `make check`; with `--write` it brings every `.po` up
to date and compiles the `.mo` files; `--add LANGUAGE` begins a language.
"""

import ast
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.messages import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

import homeroom
from homeroom.translations.catalogues import DOMAIN, FOLDER

SOURCE = Path(homeroom.__path__[0])
# Which argument of a call is a template: of functions, then of exceptions.
PLACES = {
    "message": 0,
    "ComparedMessage": 0,
    "plural": 0,
    "reject_field": 1,
    **dict.fromkeys(("MessageError", "RosterError", "TooMuchError", "BadRequest"), 0),
    **dict.fromkeys(("Refused", "NotSignedIn", "Forbidden", "ConfirmationRequired", "NotFound"), 0),
    **dict.fromkeys(("Conflict", "Outdated", "TooLarge", "WrongType", "Unreadable", "TooMany"), 0),
    "Unavailable": 0,
    "InvalidFields": 1,
    # It crosses from the decoder's process, which can't import what knows messages.
    "RefusedPictureError": 1,
}
# Headers that change by themselves, or that Babel fills with examples.
_NOT_KEPT = (
    *(b'"POT-Creation-Date:', b'"PO-Revision-Date:', b'"Generated-By:', b'"Project-Id-Version:'),
    *(b'"Report-Msgid-Bugs-To:', b'"Last-Translator:', b'"Language-Team:'),
)


@dataclass(frozen=True)
class Call:
    """A call that takes a template; `templates` is empty where the argument isn't a text as it stands."""

    module: str
    line: int
    argument: ast.expr
    templates: tuple[str, ...]


def calls() -> Iterator[Call]:
    """Every call of the source that takes a template.

    Babel's own extractor overlooks calls within lists.
    """
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PLACES:
                place = PLACES[node.func.id]
                # A plural has a second template.
                taken = node.args[place : place + (2 if node.func.id == "plural" else 1)]
                if taken:
                    texts = [arg.value for arg in taken if isinstance(arg, ast.Constant)]
                    module = f"src/homeroom/{path.relative_to(SOURCE).as_posix()}"
                    yield Call(module, node.lineno, taken[0], tuple(map(str, texts)))


def extracted() -> Catalog:
    """Every template of the source, with the modules that it stands in."""
    catalog = Catalog(header_comment="# The API's texts: see docs/how-to/translate.md.", fuzzy=False)
    for call in calls():
        if call.templates:
            id_ = call.templates if len(call.templates) > 1 else call.templates[0]
            # Without lines: a catalogue changes when a text does.
            catalog.add(id_, locations=[(call.module, None)])
    return catalog


def po_files() -> list[Path]:
    """The sources of the catalogues."""
    return sorted(FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """A catalogue from its source."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name.replace("-", "_"))


def updated(path: Path, template: Catalog) -> Catalog:
    """A catalogue with the source's templates: new ones are empty, and those that are gone are dropped."""
    catalog = read(path)
    catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    return catalog


def write(path: Path, catalog: Catalog) -> None:
    """Write a catalogue and its compiled form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    write_po(file, catalog, width=100, sort_output=True, include_lineno=False)
    lines = [line for line in file.getvalue().splitlines(keepends=True) if not line.startswith(_NOT_KEPT)]
    path.write_bytes(b"".join(lines))
    with path.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, read(path))


def faults(path: Path, template: Catalog) -> Iterator[str]:
    """What is wrong with one catalogue, in sentences."""
    known, wanted = _by_id(read(path)), _by_id(template)
    yield from (f"{name!r} is missing" for name in wanted.keys() - known.keys())
    yield from (f"{name!r} is in no source any more" for name in known.keys() - wanted.keys())
    for entry in known.values():
        if entry.fuzzy:
            yield f"{entry.id!r} is marked as fuzzy"
        yield from _faults_of_entry(_forms(entry.id), _forms(entry.string))
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or _texts(_by_id(_read_compiled(compiled))) != _texts(known):
        yield f"{compiled.name} isn't compiled from it"


def _by_id(catalog: Catalog) -> dict[str, Message]:
    return {_forms(entry.id)[0]: entry for entry in catalog if entry.id}


def _texts(entries: dict[str, Message]) -> dict[str, tuple[str, ...]]:
    return {name: _forms(entry.string) for name, entry in entries.items()}


def _forms(texts: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _read_compiled(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_mo(file)


def _faults_of_entry(originals: tuple[str, ...], translations: tuple[str, ...]) -> Iterator[str]:
    if not all(translations):
        yield f"{originals[0]!r} has no translation"
        return
    expected = set().union(*map(places, originals))
    for translation in translations:
        # A form for one alone may spell the number out.
        optional = {"count"} if len(translations) > 1 else set()
        if not expected - optional <= places(translation) <= expected:
            yield f"{translation!r} needs the places {sorted(expected)}"


def places(template: str) -> set[str]:
    """The names between braces."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
