"""Texts for people, which remember their template so that they can be written in another language.

The English text is the template; docs/how-to/translate.md says how a language is added. Templates stand
where they are used, as plain strings: `python -m tests.translations` finds them there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self


class Catalogue(Protocol):
    """What a language calls things; `gettext` of the standard library has such objects."""

    def gettext(self, message: str, /) -> str: ...
    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str: ...


class Message(str):
    """A text in English, with the template and the values that it was made from.

    A value that is a message itself is translated with it. Without values, braces are just braces.
    """

    __slots__ = ("plural", "template", "values")
    template: str
    values: Mapping[str, object]
    # The template for other counts than one; `values` then has the number as `count`.
    plural: str | None

    def __new__(cls, template: str, plural: str | None = None, /, **values: object) -> Self:
        chosen = template if plural is None or values["count"] == 1 else plural
        made = super().__new__(cls, chosen.format(**values) if values else chosen)
        made.template, made.plural, made.values = template, plural, values
        return made

    def filled(self, **values: object) -> Self:
        """This template with values."""
        return type(self)(self.template, self.plural, **values)

    def written(self, catalogue: Catalogue) -> str:
        """The text in a catalogue's language; in English, where the catalogue lacks the template."""
        if self.plural is None:
            template = catalogue.gettext(self.template)
        else:
            template = catalogue.ngettext(self.template, self.plural, int(str(self.values["count"])))
        if not self.values:
            return template
        return template.format(**{name: _written(value, catalogue) for name, value in self.values.items()})


@dataclass(frozen=True)
class _Number:
    """A number of a text: a place such as `{count:,}` groups its digits as the catalogue's language does."""

    value: float
    catalogue: Catalogue

    def __format__(self, spec: str) -> str:
        written = format(self.value, spec)
        if "," not in spec:
            return written
        if abs(self.value) < 10_000 and self.catalogue.gettext(_THOUSAND) == "1000":
            # As in Spanish, where four digits stay together.
            written = written.replace(",", "")
        example = self.catalogue.gettext(_TEN_THOUSAND)
        return written.translate(str.maketrans(",.", example[2] + example[-2]))


class ComparedMessage(Message):
    """A text that pages compare word for word: an error's `message` keeps it in English, whoever asks.

    People read `detail`, which is in their language.
    """

    __slots__ = ()


def _written(value: object, catalogue: Catalogue) -> object:
    if isinstance(value, Message):
        return value.written(catalogue)
    if isinstance(value, int | float):
        return _Number(value, catalogue)
    return value


def message(template: str, /, **values: object) -> Message:
    """A text for people; the catalogues have every template that is passed here."""
    return Message(template, **values)


# How a language writes numbers: its catalogue has these two as people of that language write them.
_THOUSAND = message("1,000")
_TEN_THOUSAND = message("10,000.5")


def plural(one: str, many: str, /, *, count: int, **values: object) -> Message:
    """A text for people that depends on a number; a language may have more forms than two."""
    return Message(one, many, count=count, **values)


def joined(texts: Iterable[str], separator: str = " ") -> Message:
    """Several texts in a row, each of which keeps its template."""
    parts = {f"part{place}": text for place, text in enumerate(filter(None, texts))}
    return Message(separator.join(f"{{{name}}}" for name in parts), **parts)


class MessageException(Exception):  # noqa: N818  the kinds of it are errors; it is what they have in common
    """An exception with a text for people."""

    def __init__(self, template: str = "", /, **values: object) -> None:
        # A message that is raised again, or another rule's, stays what it is.
        self.message = template if isinstance(template, Message) else Message(template, **values)
        super().__init__(self.message)


class MessageError(MessageException, ValueError):
    """A value that a rule of ours rejects; pydantic takes it for a reason."""


def text_of(error: Exception) -> str:
    """An exception's text; of ours, the message that can be translated. `str(error)` is English alone."""
    return error.message if isinstance(error, MessageException) else str(error)
