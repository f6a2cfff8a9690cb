"""The catalogues have all that the source says to people, and the source keeps to what they can translate."""

import ast

from babel.messages import Catalog
from babel.numbers import format_decimal

from homeroom.translations.catalogues import ENGLISH, catalogue, languages
from homeroom.translations.messages import Message, MessageException, joined, message, plural
from tests.translations.catalogues import (
    PLACES,
    SOURCE,
    calls,
    extracted,
    faults,
    places,
    po_files,
    read,
    updated,
    write,
)

# These stand for a text that is a message already.
_PASSED_ON = ast.Name | ast.Attribute | ast.Call | ast.Subscript


def test_every_text_has_a_translation_in_every_language() -> None:
    template = extracted()
    assert len(template) > 200
    assert po_files()
    assert [fault for path in po_files() for fault in faults(path, template)] == []


def test_the_check_finds_what_is_missing_empty_fuzzy_or_of_other_places(tmp_path, monkeypatch) -> None:
    template = Catalog()
    for text in ("Kept {name}.", "Empty.", "Fuzzy.", "New."):
        template.add(text)
    old = Catalog(locale="es")
    old.add("Kept {name}.", "Queda {nombre}.")
    old.add("Empty.", "")
    old.add("Fuzzy.", "Borroso.", flags=["fuzzy"])
    old.add("Gone.", "Se fue.")
    path = tmp_path / "es" / "LC_MESSAGES" / "messages.po"
    write(path, old)
    found = "\n".join(faults(path, template))
    for fault in ("'New.' is missing", "'Gone.' is in no source", "'Fuzzy.' is marked", "'Empty.' has no"):
        assert fault in found
    assert "'Queda {nombre}.' needs the places ['name']" in found
    path.with_suffix(".mo").unlink()
    assert "messages.mo isn't compiled from it" in list(faults(path, template))
    write(path, updated(path, template))
    assert "is missing" not in "\n".join(faults(path, template))


def test_no_template_is_put_together_where_it_is_used() -> None:
    # An f-string, a + and a `format` are in no catalogue: use a {place} and a value.
    put_together = [
        f"{call.module}:{call.line}"
        for call in calls()
        if not call.templates and (not isinstance(call.argument, _PASSED_ON) or _is_format(call.argument))
    ]
    assert put_together == []


def _is_format(argument: ast.expr) -> bool:
    return (
        isinstance(argument, ast.Call)
        and isinstance(argument.func, ast.Attribute)
        and argument.func.attr in ("format", "join")
    )


def test_every_exception_with_a_text_is_known_to_the_extraction() -> None:
    raised = {kind.__name__ for kind in _kinds(MessageException)}
    # These two make their text themselves.
    assert raised - PLACES.keys() == {"ImportConflictError", "SelfChosenIdError"}


def _kinds(kind: type) -> set[type]:
    # The modules of the source alone; other tests may have kinds of their own.
    found = {one for one in kind.__subclasses__() if one.__module__.startswith("homeroom.")}
    return found.union(*map(_kinds, found)) if found else found


def test_values_of_a_text_fill_its_places() -> None:
    for call in calls():
        assert all(name.isidentifier() for text in call.templates for name in places(text)), call


def test_every_language_that_is_found_has_a_source() -> None:
    assert languages() == {ENGLISH, *(path.parents[1].name for path in po_files())}
    assert (SOURCE / "translations").is_dir()
    assert all(read(path).num_plurals for path in po_files())


def test_a_message_is_its_english_text_and_can_be_written_in_another_language() -> None:
    spanish = catalogue("es")
    inner = message("Line {line} has the same ID.", line=2)
    outer = message("Line {line}: {reason}", line=3, reason=inner)
    assert outer == "Line 3: Line 2 has the same ID."
    assert outer.written(spanish) == "Línea 3: La línea 2 tiene el mismo ID."
    assert joined([inner, "", Message("plain {text}")]).written(spanish) == (
        "La línea 2 tiene el mismo ID. plain {text}"
    )
    waits = [plural("Try again in {count} minute.", "Try again in {count} minutes.", count=n) for n in (1, 2)]
    assert waits == ["Try again in 1 minute.", "Try again in 2 minutes."]
    assert [wait.written(spanish) for wait in waits] == [
        "Inténtalo de nuevo en 1 minuto.",
        "Inténtalo de nuevo en 2 minutos.",
    ]


def test_braces_in_a_value_or_in_a_text_without_values_are_just_braces() -> None:
    spanish = catalogue("es")
    assert message("{name} was deleted.", name="{0.__class__}").written(spanish) == (
        "Se ha eliminado la cuenta de {0.__class__}."
    )
    assert Message("{0.__class__}").written(spanish) == "{0.__class__}"


def test_numbers_are_written_as_the_language_does() -> None:
    limit = "Use at most {max_length:,} {things}; you sent {actual_length:,}."
    said = message(limit, max_length=1000, things=message("characters"), actual_length=1234567)
    assert said == "Use at most 1,000 characters; you sent 1,234,567."
    assert said.written(catalogue("es")) == "Usa como máximo 1000 caracteres; has enviado 1.234.567."
    room = message(
        "Your pictures use {used:,} of your {available:,} MB. Delete some first.", used=9.5, available=12345.5
    )
    assert "use 9.5 of your 12,345.5 MB" in room
    assert "ocupan 9,5 de tus 12.345,5 MB" in room.written(catalogue("es"))


def test_every_catalogue_has_the_marks_that_unicode_has_for_its_numbers() -> None:
    for path in po_files():
        written = catalogue(path.parents[1].name).gettext
        locale = path.parents[1].name.replace("-", "_")
        assert written("10,000.5") == format_decimal(10_000.5, locale=locale)
        assert written("1,000") in ("1000", format_decimal(1000, locale=locale))
