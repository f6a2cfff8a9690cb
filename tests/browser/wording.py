"""Page tests in other languages: they are written in English, and what they look for is looked up.

A test that is marked `IN_EACH_LANGUAGE` runs once in each. In Spanish, a test that asks for the button "Save"
gets the one that is named "Guardar": Playwright's ways to look for a text take the English text of a
catalogue, whole or in part, and look for its translation. A text that no catalogue has, such as a person's
name, is looked for as it is. When the test ends, its pages may hold no English text either.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import pytest
from babel.messages import Message
from playwright.sync_api import Locator, LocatorAssertions, Page

from homeroom.web.site_templates import SITE
from homeroom.web.site_texts import Text, load_catalogue
from tests.translations.catalogues import po_files, read

ENGLISH = "en"
# What a browser asks for: British English, and Spanish of another country than the catalogue's.
LOCALES = {ENGLISH: "en-GB", "es": "es-MX"}
IN_EACH_LANGUAGE = pytest.mark.parametrize("language", list(LOCALES), indirect=True)

# In both catalogues a value stands between braces; the API's may say how it is written.
_PLACE = re.compile(r"\{(\w+)[^{}]*\}")
# What a test writes where a text has a value: a number, or something in quotation marks.
_NUMBER = re.compile(r"\d[\d,]*")
_VALUE = re.compile(rf"“[^”]*”|{_NUMBER.pattern}")
# What people see or hear, but the API's description: that is in English, and says so.
SAID = """() => {
  const said = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    const ours = !parentElement.closest('template, script, noscript, code, [lang]:not(html)');
    if (ours && parentElement.checkVisibility({ visibilityProperty: true })) said.push(data);
  }
  for (const name of ['aria-label', 'placeholder', 'title', 'alt', 'data-missing']) {
    for (const element of document.querySelectorAll(`[${name}]`)) said.push(element.getAttribute(name));
  }
  return said.map((text) => text.replace(/\\s+/g, ' ').trim()).filter(Boolean);
}"""
_LOOKING = {
    **dict.fromkeys(("get_by_label", "get_by_placeholder", "get_by_text", "get_by_title"), "text"),
    "get_by_role": "name",
    **dict.fromkeys(("filter", "locator"), "has_text"),
}
_EXPECTING = (
    *("to_have_text", "not_to_have_text", "to_contain_text", "not_to_contain_text"),
    "to_have_accessible_description",
)
# A regular expression that is a part of a text, because a text would have to be the whole.
_PLAIN = re.compile(r"[\w\s.,’'@]+")


@dataclass(frozen=True)
class Pair:
    """A text in English and in another language."""

    english: str
    translation: str


@cache
def pairs(language: str) -> tuple[Pair, ...]:
    """All texts of the site and of the API, each form of a plural by itself."""
    return (*_of_the_site(language), *_of_the_api(language))


def _of_the_site(language: str) -> Iterator[Pair]:
    translated = load_catalogue(SITE, language)
    for key, text in load_catalogue(SITE, ENGLISH).items():
        other = translated[key]
        for form in [None] if isinstance(text, str) else text:
            yield Pair(_form(text, form), _form(other, form))


def _form(text: Text, form: str | None) -> str:
    return text if isinstance(text, str) else text.get(form or "other", text["other"])


def _of_the_api(language: str) -> Iterator[Pair]:
    for path in po_files():
        if path.parents[1].name == language:
            for entry in read(path):
                if entry.id:
                    yield from map(Pair, _forms(entry, entry.id), _forms(entry, entry.string))


def _forms(_entry: Message, texts: str | Sequence[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


@cache
def english_alone(language: str) -> tuple[re.Pattern[str], ...]:
    """The texts, and what stands between values in them, that English has and another language hasn't."""
    whole = {pair.english for pair in pairs(language)} - {pair.translation for pair in pairs(language)}
    parts_of = [
        {part.strip() for pair in pairs(language) for part in _PLACE.split(text(pair))[::2]}
        for text in (attrgetter("english"), attrgetter("translation"))
    ]
    found = [_expression(text, lambda _name: ".+?") for text in whole if _says_something(text)]
    found += [re.escape(part) for part in parts_of[0] - parts_of[1] if len(part) > 3]
    return tuple(map(re.compile, found))


def _says_something(text: str) -> bool:
    return any(len(re.findall(r"[^\W\d_]", part)) > 2 for part in _PLACE.split(text)[::2])


def left_in_english(page: Page, language: str) -> list[str]:
    """What a page in another language still says in English."""
    said: list[str] = page.evaluate(SAID)
    return [text for text in said if any(english.fullmatch(text) for english in english_alone(language))]


def looked_up(text: str, language: str) -> str | None:
    """A regular expression for an English text in another language; None: no catalogue has it."""
    found = {expression for pair in pairs(language) for expression in _whole(pair, text, language)}
    if not found:
        found = {
            _expression(pair.translation, lambda _name: ".+?")
            for pair in pairs(language)
            if _is_part(text, pair.english)
        }
    return "|".join(sorted(found)) or None


def _is_part(text: str, whole: str) -> bool:
    """Whether a text is a part of another one: three words of it, or the two that it begins with."""
    part = _VALUE.sub("\0", text)
    whole = _VALUE.sub("\0", _PLACE.sub("\0", whole)).replace("“\0”", "\0")
    words = len(text.split())
    return part in whole if words > 2 else words == 2 and whole.startswith(part)


def _whole(pair: Pair, text: str, language: str) -> Iterator[str]:
    """The translation of a text that is this one, with the values that it has, translated as well."""
    # With no more than "or", "to" or a full stop around its values, it would be half of all sentences.
    if re.fullmatch(r"\0 (or|to) \0|\0\W", re.sub(_PLACE, "\0", pair.english)):
        return
    match = re.fullmatch(_expression(pair.english, lambda name: f"(?P<{name}>.+)"), text)
    if match:
        values = {name: _value(value, language) for name, value in match.groupdict().items()}
        yield _expression(pair.translation, lambda name: f"(?:{values[name]})")


def _value(value: str, language: str) -> str:
    if _NUMBER.fullmatch(value):
        # Grouped as the reader's country does it, or not at all.
        return value.replace(",", r"[.,\s]?")
    return looked_up(value, language) or re.escape(value)


def _expression(text: str, value: Callable[[str], str]) -> str:
    """A text as a regular expression; a value that stands in it twice is a group once."""
    named: set[str] = set()
    parts = _PLACE.split(text)
    for index in range(1, len(parts), 2):
        name = parts[index]
        parts[index] = ".+?" if name in named else value(name)
        named.add(name)
    return "".join(part if index % 2 else re.escape(part) for index, part in enumerate(parts))


def look_up(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Playwright look for translations wherever a test names an English text."""
    for kind in (Page, Locator):
        for name, argument in _LOOKING.items():
            if hasattr(kind, name):
                monkeypatch.setattr(kind, name, _looking(getattr(kind, name), argument, language))
    for name in _EXPECTING:
        whole = not name.endswith("contain_text")
        monkeypatch.setattr(
            LocatorAssertions, name, _expecting(getattr(LocatorAssertions, name), language, whole)
        )


def _looking(method: Callable[..., Any], argument: str, language: str) -> Callable[..., Any]:
    def look(here: Any, *args: Any, **kwargs: Any) -> Any:
        if argument == "text" and args:
            args, kwargs = args[1:], {"text": args[0], **kwargs}
        found = _looked_up(kwargs.get(argument), language)
        if found is not None and kwargs.get("exact"):
            kwargs[argument] = re.compile(rf"^\s*(?:{found})\s*$", re.IGNORECASE)
        elif found is not None:
            # Whole words of a name, as "ID" is in "Idioma"; but in a row of a table, words touch.
            whole = found if argument == "has_text" else rf"(?<!\w)(?:{found})(?!\w)"
            kwargs[argument] = re.compile(whole, re.IGNORECASE)
        return method(here, *args, **kwargs)

    return look


def _expecting(method: Callable[..., Any], language: str, whole: bool) -> Callable[..., Any]:
    def translated(expected: Any) -> Any:
        found = _looked_up(expected, language)
        if found is None:
            return expected
        return re.compile(rf"^\s*(?:{found})\s*$" if whole and isinstance(expected, str) else found)

    def expect(here: Any, expected: Any, **kwargs: Any) -> Any:
        wanted = [translated(one) for one in expected] if isinstance(expected, list) else translated(expected)
        return method(here, wanted, **kwargs)

    return expect


def _looked_up(wanted: Any, language: str) -> str | None:
    """What a test looks for, if it names a text: other regular expressions stay as they are."""
    if isinstance(wanted, re.Pattern) and _PLAIN.fullmatch(wanted.pattern):
        wanted = wanted.pattern
    return looked_up(wanted, language) if isinstance(wanted, str) else None
